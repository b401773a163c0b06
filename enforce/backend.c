/* SPDX-License-Identifier: Apache-2.0 */
/* The table of backends. */
#include "enforce/backend.h"

#include "sysgait/error.h"

#include <string.h>

static const GaitBackend *const backends[] = {
    &gait_backend_notify,
    &gait_backend_ptrace,
    &gait_backend_bpf_notify,
    &gait_backend_bpf_kill,
    NULL,
};

const GaitBackend *const *
gait_backends(void)
{
	return backends;
}

const GaitBackend *
gait_backend_find(const char *name, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (const GaitBackend *const *backend = backends; *backend; backend++) {
		if (strcmp((*backend)->name, name) == 0)
			return *backend;
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", (*backend)->name);
	}
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "there is no backend '%s'; there is: %s", name, names->str);
	return NULL;
}

gboolean
gait_backend_probe(const GaitBackend *backend, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (backend->probe(&failure))
		return TRUE;
	/* Where something is merely short, another backend would be short of it, too. */
	for (const GaitBackend *const *other = backends;
	     *other && failure->code == GAIT_ERROR_UNSUPPORTED; other++)
		if (*other != backend && (*other)->probe(NULL)) {
			g_set_error(error, failure->domain, failure->code, "%s; try --backend %s",
			            failure->message, (*other)->name);
			return FALSE;
		}
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}
