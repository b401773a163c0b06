/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strace importer: any bytes are a log. What it writes must be a trace that reads well to its
 * end. It looks at no files but its own output.
 */
#include "learn/import-strace.h"
#include "learn/trace.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
check_trace(const char *path, const GaitImportReport *report)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, &error);
	guint64 n_syscalls = 0;
	GaitEvent event;
	GaitRead result;

	g_assert_no_error(error);
	while ((result = gait_trace_reader_next(reader, &event, &error)) == GAIT_READ_EVENT)
		n_syscalls += event.kind == GAIT_EVENT_SYSCALL;
	g_assert_no_error(error);
	g_assert(result == GAIT_READ_END);
	g_assert_cmpuint(n_syscalls, ==, report->n_events);
	g_assert(gait_trace_reader_is_complete(reader) == report->is_complete);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autoptr(GaitStraceInput) input =
	    gait_strace_input_new_for_data("fuzz", (const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	GaitImportReport report = {0};
	GaitImportOptions options = {.is_foreign = TRUE};
	int fd = memfd_create("fuzz-strace", MFD_CLOEXEC);

	g_assert(fd >= 0);
	path = g_strdup_printf("/proc/self/fd/%d", fd);
	options.output = path;
	if (gait_import_strace(input, &options, &report, &error))
		check_trace(path, &report);
	else
		g_assert(error);
	gait_import_report_clear(&report);
	close(fd);
	return 0;
}
