/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model: programs, their roles and phases, and per library an automaton over call sites, with
 * counts (DESIGN §1, §4, §6). Everything in it is a counter, a set or an or-able bit matrix, so
 * models merge without their traces, in any order and grouping, to the same bytes.
 *
 * The structs are open for reading everywhere. Only the learner and model/ write them, and end with
 * gait_model_normalize(), which sorts everything into its one canonical order and derives phases.
 * All indices are into the arrays of the same GaitModel (or GaitProgram, where it says so).
 */
#pragma once

#include <glib.h>

#define GAIT_NONE    G_MAXUINT32
#define GAIT_MAX_LED 2048 /* symbols of a role beyond which rounds are not looked into */
/*
 * 2: what executes its own program has roles of its own. Version 1 took it for main, and is read as
 * what it is: it has no such roles, and walkers stay in main.
 */
#define GAIT_MODEL_VERSION  2
#define GAIT_MAX_MODEL_SIZE (64u << 20) /* bytes of a model file; larger ones are refused */

/* States of an automaton: two that no symbol enters, then one per symbol of the library. */
enum {
	GAIT_STATE_START = 0,  /* before the library's first event in a task or after exec */
	GAIT_STATE_SIGNAL = 1, /* before its first event inside a signal handler */
	GAIT_STATE_FIRST = 2,  /* state of symbol i is GAIT_STATE_FIRST + i */
};

/*
 * A file that holds code. Identity is (name, build_id), where name is the last component of path;
 * without a build-id it is the path.
 */
typedef struct {
	char *path;     /* as seen while training: "/usr/lib/x86_64-linux-gnu/libc.so.6", "[vdso]",
	                   "[anon]",
	                   "[unknown]" */
	char *build_id; /* lower-case hex; "" where there is none */
	gboolean is_runtime; /* belongs to the runtime set: never responsible while another frame is
	                        there */
} GaitModelModule;

/* A letter of the alphabet: which call, from where. Identity is (nr, klass, site). */
typedef struct {
	guint32 nr;
	guint32 klass;
	guint64 site;   /* file offset of the return address; 0 where unknown ([anon], stackless) */
	char *function; /* nearest symbol at the site, for people; NULL where not known */
	guint64 delta;  /* site - start of function, bytes */
	guint64 count;  /* events */
	guint32 n_runs; /* runs in which it was seen */
	gboolean is_amended; /* accepted by hand at some time: after it the library may go on
	                        anywhere, for a refused call has no successor to learn */
} GaitSymbol;

typedef struct {
	guint32 role; /* index into the program's roles */
	guint32 n_runs;
	guint64 count;
} GaitRoleCount;

/* b followed a in one task, among the library's own events. Identity is (from, to). */
typedef struct {
	guint32 from, to;
	guint64 count;
	guint32 n_runs;
	GArray *roles; /* GaitRoleCount, by role */
	gboolean is_amended;
} GaitEdge;

/*
 * A syscall with its argument class, as programs, libraries and phases allow it. The learner leaves
 * arrays of them empty: gait_model_normalize() adds the calls of the symbols that have none.
 */
typedef struct {
	guint32 nr, klass;
	guint32 n_runs; /* runs in which it was seen, from whichever site */
} GaitCall;

/* One library's automaton within one program. Identity is the module. */
typedef struct {
	guint32 module;
	GPtrArray *symbols; /* GaitSymbol*, sorted by (nr, klass, site) */
	GPtrArray *edges;   /* GaitEdge*, sorted by (from, to) */
	GArray *calls;      /* GaitCall, sorted: all that it issues; derived */
} GaitLibrary;

/* Names a symbol within a program. */
typedef struct {
	guint32 library; /* index into the program's libraries; GAIT_NONE: no symbol */
	guint32 symbol;  /* index into that library's symbols */
} GaitSymbolRef;

/* An instruction that issues a call. Identity is (nr, module, offset). */
typedef struct {
	guint32 nr;
	guint32 module;
	guint64 offset; /* file offset after the syscall instruction */
	guint32 n_runs; /* 0: accepted by hand */
} GaitIssuer;

/*
 * A candidate for a milestone: a symbol that occurs in every whole instance of a role (n_whole; one
 * that was cut off by the end of the recording, by SIGKILL or a crash, may have missed its
 * shutdown, and must not veto it). Where no instance is whole, all its symbols are candidates. The
 * sums are over those instances whose start was seen and in which it occurs, measured from the
 * instance's start to the first occurrence.
 */
typedef struct {
	guint32 symbol;      /* index into the role's symbols */
	guint32 n_instances; /* that the sums are over */
	guint64 time_ns;
	guint64 n_events;
} GaitCandidate;

/*
 * An interlude of a phase: what a task does now and then and then goes on as before (a reload, a
 * rotated log). These calls are only allowed in a round (see GaitRole) in which the entry came
 * before. Derived, as phases are.
 */
typedef struct {
	guint32 entry; /* index into the role's symbols */
	GArray *calls; /* guint32: indices into the program's calls, sorted; all in the phase's
	                  allowed set */
} GaitInterlude;

#define GAIT_MAX_INTERLUDES 8 /* entries of one role */

/* A stretch of a role's life; derived by gait_model_normalize() from the candidates and relations.
 */
typedef struct {
	guint32 milestone; /* index into the role's symbols: its first occurrence enters the phase;
	                      GAIT_NONE for the first phase */
	GArray *allowed; /* guint32: indices into the program's calls, sorted: what occurred in this
	                    phase */
	GArray *retained;      /* guint32: the same for this phase and all later ones */
	double time_share;     /* of the role's life, in [0, 1] */
	double event_share;    /* of the role's events, in [0, 1] */
	GPtrArray *interludes; /* GaitInterlude*, by entry; their calls are disjoint */
} GaitPhase;

/*
 * A kind of task of one program. Identity is (parent, creation) down from the program's first role,
 * "main". The creation is the call that made the task or, where a task executes the program that it
 * runs, that call. A role whose creation symbol already is in its chain folds into the role made
 * there first, so there never are more than the program has sites to choose from. Who comes from
 * another program is main, whatever led to that one.
 */
typedef struct {
	guint32 parent;         /* role that creates it, index < its own; GAIT_NONE for main */
	GaitSymbolRef creation; /* the symbol that leads to it */
	char *name; /* "main", "main/ngx_spawn_process": derived, unique within the program */
	gboolean is_thread;  /* created as a thread at least once */
	guint64 n_instances; /* tasks */
	guint64 n_starts;    /* of them, those whose start was seen and that have no gap */
	guint64 n_whole;     /* of n_starts, those whose end (exit or exec) was seen, too, and was
	                        neither     SIGKILL nor a crash */
	guint32 n_runs;
	guint64 time_ns;  /* sum of the lives of all instances */
	guint64 n_events; /* sum over all instances */
	/*
	 * The or-able relations that phases are made of. Row c of each is for candidates[c], bit s
	 * for symbols[s]; rows are row_words 64-bit words. A candidate that an instance never
	 * reached lies at infinity in it: all that the instance did came before. Instances that are
	 * not among n_starts are in `after` only. One row more, after those of the candidates, is
	 * that of a symbol which no instance ever reached: what n_starts instances did is `before`
	 * it, what the others did `after` (a symbol that the learner leaves without a bit there
	 * gets `before`). The _twice matrices have a bit where at least two runs had it (zero in
	 * the model of one run): with them a phase knows how well it is supported.
	 *
	 * Merging roles A and B: the candidates are those that each has among its candidates, a
	 * role with n_whole 0 vetoing none; where such a role does not know a candidate, its row
	 * for it is its last row. (So a merge equals learning the instances together, in any
	 * grouping.)
	 */
	GArray *symbols;    /* GaitSymbolRef, sorted: what occurs in this role */
	GArray *candidates; /* GaitCandidate, by symbol */
	guint32 row_words;
	guint64 *after;  /* some instance had s at or after the first candidate */
	guint64 *before; /* some instance had its first s before the first candidate */
	guint64 *after_twice, *before_twice;
	guint64 *amended; /* one row: symbols whose place in this role was accepted by hand */
	/*
	 * A round is what a task does between two waits (gait_syscall_is_wait()), the time before
	 * its first one left out; it is what the task's main loop does once. in_rounds is one row:
	 * symbols that occurred in a round. led has a row for each symbol of in_rounds: those that
	 * had come before it in its round whenever it occurred. Merging intersects the rows of
	 * those that have it. NULL where the role has more than GAIT_MAX_LED symbols: then none is
	 * led.
	 */
	guint64 *in_rounds;
	guint64 *led;
	GPtrArray *phases; /* GaitPhase*, in order, at least one */
} GaitRole;

/* Identity is the path of the executable. */
typedef struct {
	char *path;
	guint32 module; /* GAIT_NONE where no code of it was seen */
	guint32 n_runs;
	GPtrArray *libraries; /* GaitLibrary*, sorted by module */
	GPtrArray *roles;     /* GaitRole*, parents first; role 0 is main */
	GArray
	    *issuers; /* GaitIssuer, sorted; empty where the traces carry no instruction pointers */
	GArray
	    *execs; /* guint32: programs it was seen to exec, sorted indices into model->programs */
	GArray *amended_execs; /* guint32, sorted: those of execs that were accepted by hand */
	GArray *calls;         /* GaitCall, sorted: all that it issues; derived */
} GaitProgram;

/* One run that was learned from. Identity is the id. */
typedef struct {
	char id[65];      /* hex SHA-256 of the trace's content */
	char *command;    /* as typed, for people */
	guint64 n_events; /* syscall events */
	gboolean is_partial;
} GaitRun;

/*
 * What somebody accepted by hand. Identity is the id. A part that is in a model for this reason
 * alone has counts of 0, in 0 runs: it widens what is allowed, and says nothing of what to expect.
 */
typedef struct {
	char id[65];         /* hex SHA-256 of what was accepted */
	char log[65];        /* the same of the violation log that it was in; "" where not known */
	char *date;          /* "2026-11-20" */
	char *reason;        /* as typed; "" */
	GPtrArray *accepted; /* char*: a line for each violation, for people */
} GaitAmendment;

typedef struct {
	char *kernel;          /* release of the newest training kernel: "6.18.44" */
	char *arch;            /* "x86_64" */
	guint32 max_syscall;   /* highest native number known when trained (libseccomp); newer ones
	                          get ENOSYS */
	gboolean is_stackless; /* learned from logs without stacks: one automaton a program, library
	                          unknown */
	gboolean is_amended;
	GPtrArray *runs;       /* GaitRun*, by id */
	GPtrArray *amendments; /* GaitAmendment*, by id */
	GPtrArray *modules;    /* GaitModelModule*, by (path, build_id) */
	GPtrArray *programs;   /* GaitProgram*, by path */
} GaitModel;

/* An empty model; every part that is added to it is freed with it. */
GaitModel *gait_model_new(void);
void gait_model_free(GaitModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitModel, gait_model_free)

/* Parts of a model, empty, appended to their owner, which keeps them. The caller sees to it that
 * none is there twice. */
guint32 gait_model_add_run(GaitModel *model, const char *id, const char *command, guint64 n_events,
                           gboolean is_partial);
GaitAmendment *gait_model_add_amendment(GaitModel *model, const char *id, const char *log,
                                        const char *date, const char *reason);
guint32 gait_model_add_module(GaitModel *model, const char *path, const char *build_id,
                              gboolean is_runtime);
GaitProgram *gait_model_add_program(GaitModel *model, const char *path);
GaitLibrary *gait_program_add_library(GaitProgram *program, guint32 module);
GaitRole *gait_program_add_role(GaitProgram *program, guint32 parent, GaitSymbolRef creation);
GaitSymbol *gait_library_add_symbol(GaitLibrary *library, guint32 nr, guint32 klass, guint64 site,
                                    const char *function, guint64 delta);
GaitEdge *gait_library_add_edge(GaitLibrary *library, guint32 from, guint32 to);
/* Allocates zeroed relations for the symbols and candidates the role has now. */
void gait_role_alloc_relations(GaitRole *role);
GaitPhase *gait_role_add_phase(GaitRole *role, guint32 milestone);
GaitInterlude *gait_phase_add_interlude(GaitPhase *phase, guint32 entry);

static inline gboolean
gait_bit_test(const guint64 *row, guint32 bit)
{
	return (row[bit / 64] >> (bit % 64)) & 1;
}

static inline void
gait_bit_set(guint64 *row, guint32 bit)
{
	row[bit / 64] |= G_GUINT64_CONSTANT(1) << (bit % 64);
}

/* Parts by index, which has to be one; borrowed. */
GaitProgram *gait_model_get_program(const GaitModel *model, guint32 i);
GaitLibrary *gait_program_get_library(const GaitProgram *program, guint32 i);
GaitRole *gait_program_get_role(const GaitProgram *program, guint32 i);
const GaitSymbol *gait_program_get_symbol(const GaitProgram *program,
                                          GaitSymbolRef ref); /* NULL for none */
/*
 * Whether text may be a module's build-id: lower-case hexadecimal digits, 512 at most (Go's are
 * long), of a GNU or Go note, or "sha1:" and those of the file's checksum; or empty.
 */
gboolean gait_model_is_build_id(const char *text);
/* Last path component, borrowed: "libc.so.6". */
const char *gait_model_module_name(const GaitModel *model, guint32 module);
/* Index of the program with this path, or GAIT_NONE. */
guint32 gait_model_find_program(const GaitModel *model, const char *path);

/*
 * Sorts everything into canonical order (remapping every index), names the roles and derives calls
 * and phases. Idempotent. The same content in any order gives the same bytes when saved.
 */
void gait_model_normalize(GaitModel *model);

/*
 * Merges: a new model that holds what all of them learned. Commutative, associative, idempotent: a
 * model whose runs are all in another one adds nothing. Runs that overlap otherwise cannot be told
 * apart and give GAIT_ERROR_CONFLICT, as do stackless with stacked models and different
 * architectures.
 */
GaitModel *gait_model_merge(GaitModel *const *models, guint n_models, GError **error);

/*
 * Files. Loading bounds and checks everything (sizes, indices, order, nesting) and names file and
 * place of what is wrong; what it returns is as normalize leaves it. Saving writes a temporary file
 * beside path, syncs it and renames it, so a full disk leaves the old model. The text is JSON with
 * one run, module, symbol or edge a line.
 */
GaitModel *gait_model_load(const char *path, GError **error);
GaitModel *gait_model_parse(const char *name, const char *data, gsize size, GError **error);
/*
 * Whether a model may be written to path, to be asked before the work: a file that is there already
 * is a model, or empty, or no regular file (`learn -o run1.trace run2.trace` is a slip that would
 * cost a recording), and a new one has a directory that can be written to.
 */
gboolean gait_model_check_output(const char *path, GError **error);
gboolean gait_model_save(const GaitModel *model, const char *path, GError **error);
/* The same, and to standard output where path is "-". */
gboolean gait_model_write(const GaitModel *model, const char *path, GError **error);
GString *gait_model_print(const GaitModel *model);
/* Hex SHA-256 of that text, which also is that of the file that save writes. */
char *gait_model_dup_digest(const GaitModel *model);

/* Checks every index and invariant; GAIT_ERROR_MALFORMED names the place. Load calls it. */
gboolean gait_model_validate(const GaitModel *model, GError **error);
