/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The violation log, read again: lines of `enforce --log` and of `check --json` as records, and
 * records that say the same as one distinct violation. The file may be anybody's: every size is
 * bounded, every number is checked, and nothing in it is taken for an index.
 */
#pragma once

#include "sysgait/walker.h"

#define GAIT_LOG_MAX_LINE     (256u << 10) /* bytes; longer ones are refused */
#define GAIT_LOG_MAX_DISTINCT 65536u       /* distinct violations */
#define GAIT_LOG_MAX_VARIANTS 64u          /* places (phase, state) that one of them is kept with */
#define GAIT_LOG_MAX_POSSIBLE 32u /* roles that a line lists where it does not know which */
#define GAIT_LOG_MAX_BYTES    (128u << 20) /* of lines that are kept */

/* A symbol, as a line names one: by what it is in any model. */
typedef struct {
	char *library, *build_id; /* never NULL; build_id "" where there is none */
	guint32 nr, klass;
	guint64 site;
} GaitLogSymbol;

/* A place in code. */
typedef struct {
	char *module;   /* path; NULL: not known, and the rest is empty */
	char *build_id; /* never NULL */
	guint64 offset;
	char *function; /* NULL: not known */
	guint64 delta;
} GaitLogPlace;

/* Where a library's automaton stood. */
typedef enum {
	GAIT_LOG_ANYWHERE,
	GAIT_LOG_START,
	GAIT_LOG_SIGNAL,
	GAIT_LOG_SYMBOL, /* `from` */
	GAIT_LOG_STATE_N_,
} GaitLogState;

/* One line. */
typedef struct {
	double time_s; /* Unix time, or since the start of a trace: gait_log_is_unix_time() */
	gint32 pid, tid;
	GaitVerdict kind; /* never ALLOW */
	char *action;     /* NULL offline */
	char *program;
	char *role;            /* NULL: not known */
	GPtrArray *possible;   /* char*: where the role is not known, those that it may be */
	GPtrArray *created_by; /* GaitLogSymbol*, from main on */
	guint32 phase;         /* from 0 */
	guint32 n_phases;
	gboolean is_loose;            /* that phase or a later one */
	GaitLogSymbol *since, *until; /* milestones; NULL for none */
	char *call;                   /* for people */
	guint32 arch;                 /* 0: native */
	guint32 nr, klass;
	char *exec_path; /* NULL: none */
	GaitLogPlace site, issuer;
	GaitLogState state;
	char *state_name;    /* for people */
	GaitLogSymbol *from; /* SYMBOL */
	GPtrArray *allowed;  /* char* */
	guint32 n_allowed;
	char *model; /* digest, or "" */
	guint64 n_repeats;
} GaitLogRecord;

/* NULL with an error that begins with name. size bytes of one line, without its end. */
GaitLogRecord *gait_log_record_parse(const char *name, const char *line, gsize size,
                                     GError **error);
void gait_log_record_free(GaitLogRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitLogRecord, gait_log_record_free)

gboolean gait_log_is_unix_time(double time_s);

/*
 * Violations that say the same: program, role, library and site, call, kind, what would have been
 * executed; where a sequence was wrong also the state; where the instruction was, the instruction.
 */
typedef struct _GaitLogGroup GaitLogGroup;
struct _GaitLogGroup {
	char id[9];          /* eight hex digits that follow from the above, in any log */
	GPtrArray *variants; /* GaitLogRecord*, at least one: by phase and state */
	GPtrArray *actions;  /* char*: what was done about them */
	guint64 n_times;     /* with repeats */
	guint64 n_dropped;   /* places beyond GAIT_LOG_MAX_VARIANTS */
	double first_s, last_s;
	/* What the same task was refused less than a second before this came first, and so may be
	   the reason for it; NULL where there is nothing. Borrowed. */
	const GaitLogGroup *cause;
};

/* The record that stands for the group. */
const GaitLogRecord *gait_log_group_get(const GaitLogGroup *group);

/* "site: app, main, phase 2: write by libz.so.1+0x12a3 (gzwrite+0x31)"; raw, to free. */
char *gait_log_group_dup_line(const GaitLogGroup *group);
/* Appends "openat(O_RDONLY)", "call 5 of i386": from the numbers, not from the words. */
void gait_log_record_append_call(GString *out, const GaitLogRecord *record);
/* Appends "libz.so.1, gzwrite+0x31", or with the offset where the function is not known; raw. */
void gait_log_place_append(GString *out, const GaitLogPlace *place);

/* What is to be considered before it is accepted: sentences (char*), raw; none where nothing is. */
GPtrArray *gait_log_group_dup_cautions(const GaitLogGroup *group);

typedef struct _GaitViolationLog GaitViolationLog;

GaitViolationLog *gait_violation_log_new(void);
void gait_violation_log_free(GaitViolationLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitViolationLog, gait_violation_log_free)

/*
 * Adds the lines of a file ("-": standard input). What is no line of a violation log is an error
 * that names file and line; but one that was torn, since the disk was full or the writer was
 * killed, is skipped and counted.
 */
gboolean gait_violation_log_read(GaitViolationLog *log, const char *path, GError **error);
/* The same from memory. */
gboolean gait_violation_log_parse(GaitViolationLog *log, const char *name, const char *data,
                                  gsize size, GError **error);

/*
 * The distinct violations (GaitLogGroup*), what matters most first: by kind from the outside in,
 * then by how dangerous the call is. The order follows from what they are, never from how often or
 * when. Borrowed, valid until more is added.
 */
const GPtrArray *gait_violation_log_get_groups(GaitViolationLog *log);
guint64 gait_violation_log_get_n_lines(const GaitViolationLog *log);
/* With repeats. */
guint64 gait_violation_log_get_n_violations(const GaitViolationLog *log);
guint64 gait_violation_log_get_n_torn(const GaitViolationLog *log);
/* Lines that are from another model than the one with this digest. */
guint64 gait_violation_log_count_foreign(const GaitViolationLog *log, const char *digest);
/* Hex SHA-256 of all that was read; to free. */
char *gait_violation_log_dup_digest(const GaitViolationLog *log);
