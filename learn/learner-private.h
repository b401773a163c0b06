/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner's books while it reads: what the model will hold, with the indices and caches that
 * one pass over the events needs. Everything here is bounded by what the trace interns, nothing by
 * its length; what belongs to a task goes when the task does.
 */
#pragma once

#include "learn/learner.h"
#include "sysgait/contexts.h"
#include "sysgait/walk-table.h"

/* Symbols of one role: the relations take n² bits. Far beyond any program that is not made to. */
#define GAIT_LEARN_MAX_SYMBOLS 16384

typedef struct _Learner Learner;
typedef struct _LearnProgram LearnProgram;
typedef struct _LearnRole LearnRole;

/* An edge as one role walked it. */
typedef struct {
	guint32 library, from, to, role; /* the key: states of the library, index of the role */
	guint64 count;
} LearnArc;

typedef struct {
	guint32 id;      /* dense within the program */
	guint32 library; /* index within the program */
	guint32 state;
	guint32 flags; /* GAIT_WALK_STAYS … */
	guint64 count;
	GaitSymbol *symbol; /* NULL in the two that stand for no symbol */
	LearnArc *arc;      /* the edge that was taken to it last */
} LearnSymbol;

struct _LearnProgram {
	Learner *learner;
	GaitProgram *program;
	guint32 index;
	LearnSymbol **by_shape; /* NULL: not met yet in this program */
	guint32 n_by_shape;
	GPtrArray *symbols;    /* LearnSymbol, by id */
	GHashTable *by_key;    /* SymbolKey → LearnSymbol */
	GHashTable *libraries; /* module → index + 1 */
	GHashTable *arcs;      /* LearnArc, its own key */
	GHashTable *issuers;   /* IssuerKey */
	GHashTable *execs;     /* index of program */
	GPtrArray *roles;      /* LearnRole, by index */
};

/* A symbol within a role, by the role's own dense numbering. */
typedef struct {
	LearnSymbol *symbol;
	gboolean is_candidate;
	guint32 n_instances;
	guint64 time_ns, n_events;
	guint64 *after, *before; /* rows of the relations; NULL unless a candidate */
	gboolean is_in_rounds;
	guint64 *led; /* what came before it in every round; NULL: nothing, or not known yet */
} LearnMember;

struct _LearnRole {
	LearnProgram *program;
	GaitRole *role;
	guint32 index;
	LearnRole *parent;
	LearnSymbol *creation;
	GHashTable *children; /* LearnSymbol → LearnRole */
	guint32 *local;       /* by id of symbol: index among members, GAIT_NONE */
	guint32 n_local;
	GArray *members;   /* LearnMember */
	guint32 row_words; /* of every row and of these two: members seen so far in any instance */
	guint64 *known;    /* … before a gap in it */
	guint64 *unknown;  /* … behind a gap, or where the start was not seen */
};

typedef struct {
	guint64 first, last; /* number of the event among the task's, from 1; 0: not seen */
	guint64 time_ns;     /* of the first, since the start of the instance */
} LearnOccurrence;

/* A live task, and its current instance of a role. */
typedef struct {
	LearnProgram *program;
	LearnRole *role;
	GaitContexts contexts;
	LearnSymbol *last_creation; /* its last call that may have made a task, or executed a
	                               program */
	guint64 start_ns, last_ns;
	guint64 n_events;
	guint64 n_known; /* events before the first gap; 0 where the start was not seen */
	LearnOccurrence *occurrences; /* by the role's numbering */
	guint32 n_occurrences;
	gboolean has_waited; /* it is in a round, and round knows what came in it */
	guint64 *round;      /* row over the role's members, as wide as occurrences */
	guint32 round_words;
} LearnTask;

struct _Learner {
	GaitTraceReader *reader;
	const char *name;
	const GaitLearnOptions *options;
	GaitModel *model;
	GPtrArray *programs;     /* LearnProgram, by index */
	GHashTable *by_path;     /* path → LearnProgram */
	GHashTable *module_keys; /* identity → index + 1 into the model's modules */
	GArray *modules;  /* by the trace's index: the model's, GAIT_NONE before its first use */
	GPtrArray *tasks; /* LearnTask, by index; NULL once gone */
	guint64 n_events; /* all events */
	guint64 n_syscalls;
	guint64 n_foreign; /* calls of another architecture */
};

/* learner-symbol.c */
LearnProgram *gait_learn_program(Learner *learner, guint32 module, GError **error);
void gait_learn_program_free(LearnProgram *program);
/* The symbol that a shape is in this program, made where it is new. Not for the hot path. */
LearnSymbol *gait_learn_symbol(LearnProgram *program, guint32 shape, GError **error);
gboolean gait_learn_symbol_is_foreign(const LearnSymbol *symbol);
LearnArc *gait_learn_arc(LearnProgram *program, const LearnArc *key);
/* Puts counts, edges and modules into the model. */
void gait_learn_program_finish(LearnProgram *program);

/* learner-role.c */
LearnRole *gait_learn_role_main(LearnProgram *program);
/* The role that a task of this one leads to by a call that creates, or executes the same program;
 * NULL with error where there are too many. */
LearnRole *gait_learn_role_child(LearnRole *role, LearnSymbol *creation, GError **error);
void gait_learn_role_free(LearnRole *role);
/* Index of a symbol among the role's members, made where it is new; GAIT_NONE: too many. */
guint32 gait_learn_role_add(LearnRole *role, LearnSymbol *symbol);
/* A member occurs: notes what led to it, if the task is in a round, and that it came. */
void gait_learn_round(LearnTask *task, guint32 member);
/* The task waits: a new round begins. */
void gait_learn_round_end(LearnTask *task);
/* Nobody knows what came in this round. */
void gait_learn_round_lose(LearnTask *task);
/* Starts and ends the task's instance of its role. is_whole: its end was seen. */
void gait_learn_instance_start(LearnTask *task, LearnRole *role, guint64 time_ns,
                               gboolean is_start_seen);
void gait_learn_instance_end(LearnTask *task, guint64 time_ns, gboolean is_whole);
void gait_learn_role_finish(LearnRole *role);
