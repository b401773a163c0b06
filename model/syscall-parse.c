/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads deciding arguments back, from our own text and from strace's lines. It knows no other
 * arguments: of an strace line those are only skipped, with their strings, structures and decorated
 * descriptors.
 */
#include "model/syscall-private.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

typedef struct {
	const char *start;
	gsize length;
} Span;

static Span
trim(Span span)
{
	while (span.length > 0 && g_ascii_isspace(span.start[0])) {
		span.start++;
		span.length--;
	}
	while (span.length > 0 && g_ascii_isspace(span.start[span.length - 1]))
		span.length--;
	return span;
}

static gboolean
span_equal(Span span, const char *text)
{
	return strlen(text) == span.length && memcmp(span.start, text, span.length) == 0;
}

const char *
gait_syscall_skip_opaque(const char *at, const char *begin, const char *end)
{
	const char *close = NULL;

	if (*at == '"') {
		for (at++; at < end && *at != '"'; at++)
			if (*at == '\\' && at + 1 < end)
				at++;
		return at < end ? at + 1 : end;
	}
	if (*at == '/' && at + 1 < end && at[1] == '*') {
		close = memmem(at + 2, (gsize)(end - at - 2), "*/", 2);
		return close ? close + 2 : end;
	}
	if (*at == '<' && at > begin && g_ascii_isalnum(at[-1]) && at + 1 < end && at[1] != '<') {
		/* An arrow inside ("TCP:[…->…]") closes nothing; strace escapes '>' in paths. */
		for (close = at + 1; close < end && (*close != '>' || close[-1] == '-'); close++)
			;
		return close < end ? close + 1 : at;
	}
	return at;
}

/* The parts of text between separators, outside of brackets and opaque pieces. */
static guint
split(Span text, char separator, Span *parts, guint max_parts)
{
	const char *end = text.start + text.length, *begin = text.start, *at = begin;
	guint n_parts = 0;
	int depth = 0;

	while (at < end && n_parts + 1 < max_parts) {
		const char *after = gait_syscall_skip_opaque(at, text.start, end);

		if (after != at) {
			at = after;
			continue;
		}
		if (strchr("([{", *at))
			depth++;
		else if (strchr(")]}", *at))
			depth--;
		else if (*at == separator && depth <= 0) {
			parts[n_parts++] = trim((Span){begin, (gsize)(at - begin)});
			begin = at + 1;
		}
		at++;
	}
	parts[n_parts++] = trim((Span){begin, (gsize)(end - begin)});
	return n_parts;
}

static gboolean
parse_number(Span span, guint32 *value)
{
	char text[32], *end;

	if (span.length == 0 || span.length >= sizeof(text))
		return FALSE;
	memcpy(text, span.start, span.length);
	text[span.length] = '\0';
	*value = (guint32)g_ascii_strtoull(text, &end, 0);
	return *end == '\0' && end != text;
}

/* "_IOC(_IOC_READ|_IOC_WRITE, 0x54, 0x1, 0x4)", as strace writes an ioctl it has no name for. */
static gboolean
parse_ioc(Span span, guint32 *value)
{
	Span parts[4], directions[3];
	guint32 direction = _IOC_NONE, part[3], bits;
	guint n_directions;

	if (span.length < 6 || memcmp(span.start, "_IOC(", 5) != 0)
		return FALSE;
	span = (Span){span.start + 5, span.length - 6};
	if (split(span, ',', parts, 4) != 4)
		return FALSE;
	n_directions = split(parts[0], '|', directions, 3);
	for (guint i = 0; i < n_directions; i++) {
		if (span_equal(directions[i], "_IOC_READ"))
			direction |= _IOC_READ;
		else if (span_equal(directions[i], "_IOC_WRITE"))
			direction |= _IOC_WRITE;
		else if (parse_number(directions[i], &bits))
			direction |= bits;
		else if (!span_equal(directions[i], "_IOC_NONE"))
			return FALSE;
	}
	for (guint i = 0; i < 3; i++)
		if (!parse_number(parts[i + 1], &part[i]))
			return FALSE;
	*value = _IOC((direction & _IOC_DIRMASK), (part[0] & _IOC_TYPEMASK),
	              (part[1] & _IOC_NRMASK), (part[2] & _IOC_SIZEMASK));
	return TRUE;
}

/* "QCMD(Q_SYNC, USRQUOTA)". */
static gboolean
parse_qcmd(Span span, guint32 *value)
{
	const GaitVocabulary *words = gait_arg_get_vocabulary(GAIT_ARG_QUOTA);
	Span parts[2];

	if (span.length < 7 || memcmp(span.start, "QCMD(", 5) != 0)
		return FALSE;
	if (split((Span){span.start + 5, span.length - 6}, ',', parts, 2) != 2)
		return FALSE;
	for (gsize i = 0; i < words->n_names; i++) {
		const char *bar = strchr(words->names[i].name, '|');

		if ((gsize)(bar - words->names[i].name) == parts[0].length &&
		    memcmp(words->names[i].name, parts[0].start, parts[0].length) == 0 &&
		    span_equal(parts[1], bar + 1)) {
			*value = words->names[i].value;
			return TRUE;
		}
	}
	return FALSE;
}

/* One name or number. Where two ioctls share a number strace writes "TCGETS or SNDCTL_…". */
static gboolean
parse_word(GaitArgKind kind, Span span, guint32 *value)
{
	const GaitVocabulary *words = gait_arg_get_vocabulary(kind);
	const char * or = memmem(span.start, span.length, " or ", 4);
	gint32 signo;

	if (or) {
		gsize length = (gsize)(or -span.start);

		return parse_word(kind, (Span){span.start, length}, value) ||
		       parse_word(kind, (Span){ or +4, span.length - length - 4}, value);
	}
	for (gsize i = 0; i < words->n_names; i++)
		if (span_equal(span, words->names[i].name)) {
			*value = words->names[i].value;
			return TRUE;
		}
	signo = gait_arg_has_signal(kind) ? gait_signal_from_name(span.start, span.length) : -1;
	if (signo >= 0) {
		*value = (guint32)signo;
		return TRUE;
	}
	return parse_number(span, value) || (kind == GAIT_ARG_IOCTL && parse_ioc(span, value)) ||
	       (kind == GAIT_ARG_QUOTA && parse_qcmd(span, value));
}

/* "flags=CLONE_VM|0x80 " and "0x2 (O_RDWR)" included; a comment says what the number could not. */
static gboolean
parse_value(GaitArgKind kind, Span span, guint32 *value)
{
	Span words[40];
	const char *comment = memmem(span.start, span.length, "/*", 2);
	guint n_words;
	gboolean is_known = TRUE;

	if (comment)
		span = trim((Span){span.start, (gsize)(comment - span.start)});
	*value = 0;
	/* Quota commands have a bar in their own name. */
	if (kind == GAIT_ARG_QUOTA)
		return parse_word(kind, span, value);
	n_words = split(span, '|', words, G_N_ELEMENTS(words));
	for (guint i = 0; i < n_words; i++) {
		guint32 bits = 0;

		is_known &= parse_word(kind, words[i], &bits);
		*value |= bits;
	}
	return is_known;
}

/* strace prints clone's arguments by name and in the order of the C function. */
static gboolean
find_clone_flags(Span *fields, guint n_fields)
{
	for (guint i = 0; i < n_fields; i++)
		if (fields[i].length > 6 && memcmp(fields[i].start, "flags=", 6) == 0) {
			fields[0] = (Span){fields[i].start + 6, fields[i].length - 6};
			return TRUE;
		}
	return FALSE;
}

gboolean
gait_syscall_parse_registers(guint32 nr, const char *text, guint64 args[6])
{
	const GaitArg *arg = gait_syscall_get_args(nr);
	guint64 values[6] = {0};
	Span fields[7];
	guint n_args = 0, n_fields;
	gboolean is_known = TRUE, is_ours;

	while (n_args < GAIT_MAX_ARGS && arg[n_args].kind != GAIT_ARG_NONE)
		n_args++;
	n_fields = split((Span){text, strlen(text)}, ',', fields, G_N_ELEMENTS(fields));
	/* Our own text has the deciding arguments only. No call takes just those, unless they come
	 * first anyway. */
	is_ours = n_fields == n_args;
	if (nr == SYS_clone && n_fields > 1 && !find_clone_flags(fields, n_fields))
		is_known = FALSE;
	for (guint i = 0; i < n_args; i++) {
		guint field = is_ours ? i : arg[i].index;
		guint32 value = 0;

		is_known &= field < n_fields && parse_value(arg[i].kind, fields[field], &value);
		values[arg[i].index] = value;
	}
	gait_syscall_keep_args(nr, values, args);
	return is_known;
}
