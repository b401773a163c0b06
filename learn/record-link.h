/* SPDX-License-Identifier: Apache-2.0 */
/* What the two processes of a recording session say to each other, and what they share. */
#pragma once

#include "learn/recorder.h"

typedef enum {
	/* To the recorder. */
	GAIT_LINK_DETACH, /* value: process that asked for it, 0 if the terminal did */
	GAIT_LINK_FLUSH,
	/* From it. */
	GAIT_LINK_STARTED, /* value: root, or 0 */
	GAIT_LINK_STOPPED, /* value: signal by which the root stopped; 0: it goes on */
	GAIT_LINK_ENDED,   /* value: the root's wait status */
	GAIT_LINK_FAILED,  /* text; value: exit status where it could not be executed, else 0 */
	GAIT_LINK_FILED,   /* the file is ended (FAILED before: not well), while tasks live on */
	GAIT_LINK_DONE,    /* all tasks are gone, the file is ended (FAILED before: not well) */
	GAIT_LINK_N_,
} GaitLinkType;

typedef struct {
	guint32 type;
	gint32 value;
	char text[2048];
} GaitLinkMessage;

/* In memory that both see. */
typedef struct {
	GaitRecordingStats stats;
	GaitAttributorStats attribution;
	GaitKernelStats kernel;
	char fallback[256]; /* before STARTED, "": there was none */
	gboolean is_fallback_unforeseen;
} GaitLinkShared;

/* Both return FALSE where the other side is gone. */
gboolean gait_link_send(int link, GaitLinkType type, int value, const char *text);
/* With wait FALSE, type is GAIT_LINK_N_ where there is nothing. */
gboolean gait_link_receive(int link, gboolean wait, GaitLinkMessage *message);

/* The recorder's process, with all signals blocked; returns when there is nothing left to trace. */
void gait_record_worker_run(int link, GaitLinkShared *shared, const GaitRecorderOptions *options);
