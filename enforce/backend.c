/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of backends, and which of them it shall be. Faster ones come first; one is passed over
 * where it cannot keep what the policy promises: where calls shall fail with an errno, one that has
 * to kill for some of them is not it.
 */
#include "enforce/backend.h"

#include "sysgait/command.h"
#include "sysgait/error.h"

#include <string.h>

static const GaitBackend *const backends[] = {
    &gait_backend_bpf_kill, &gait_backend_bpf_hooks, &gait_backend_bpf_notify,
    &gait_backend_notify,   &gait_backend_ptrace,
};

static gboolean
is_any(const char *name)
{
	return !name || strcmp(name, "auto") == 0;
}

static gboolean
is_meant(const GaitBackendWish *wish, const GaitBackend *backend)
{
	if (is_any(wish->name) || strcmp(wish->name, backend->name) == 0)
		return TRUE;
	return strcmp(wish->name, "bpf") == 0 && g_str_has_prefix(backend->name, "bpf-");
}

/* What is wanted and it cannot do; NULL where it can. What was asked for by its full name may kill
 * where an errno was asked for. */
static const char *
find_lack(const GaitBackendWish *wish, const GaitBackend *backend)
{
	gboolean is_named = !is_any(wish->name) && strcmp(wish->name, backend->name) == 0;
	gboolean acts = gait_policy_has(wish->policy, GAIT_ACTION_ERRNO) ||
	                gait_policy_has(wish->policy, GAIT_ACTION_KILL);

	if (wish->is_joining && !backend->join)
		return "cannot join a running process";
	if (acts && !backend->is_preexec && (wish->must_be_preexec || !is_named))
		return "only kills, and a call may have taken effect by then";
	if (is_any(wish->name) && gait_policy_has(wish->policy, GAIT_ACTION_ERRNO) &&
	    !backend->has_errno)
		return "has to kill for some calls that shall fail with an errno";
	return NULL;
}

static gboolean
is_known(const char *name, GError **error)
{
	g_autoptr(GString) names = g_string_new("auto, bpf");

	if (is_any(name) || strcmp(name, "bpf") == 0)
		return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(backends); i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return TRUE;
		g_string_append_printf(names, ", %s", backends[i]->name);
	}
	return gait_error_usage(error, "there is no backend '%s'; there is: %s", name, names->str);
}

/* One that was not asked for and will do, or NULL. */
static const char *
find_other(const GaitBackendWish *wish)
{
	GaitBackendWish any = *wish;

	any.name = NULL;
	for (gsize i = 0; !is_any(wish->name) && i < G_N_ELEMENTS(backends); i++)
		if (!is_meant(wish, backends[i]) && !find_lack(&any, backends[i]) &&
		    backends[i]->probe(NULL))
			return backends[i]->name;
	return NULL;
}

/* is_short: of something that another backend would be short of, too. */
static void
advise(const GaitBackendWish *wish, GError *failure, gboolean is_short, GError **error)
{
	const char *other = is_short ? NULL : find_other(wish);

	if (!other) {
		g_propagate_error(error, failure);
		return;
	}
	g_set_error(error, failure->domain, failure->code, "%s; try --backend %s", failure->message,
	            other);
	g_error_free(failure);
}

static void
refuse(const GaitBackendWish *wish, const char *lack, GError **error)
{
	const char *other = find_other(wish);

	gait_error_usage(error, "--backend %s %s%s%s", wish->name ? wish->name : "auto", lack,
	                 other ? "; try --backend " : "", other ? other : "");
}

/* From the first one on; earlier: why those before will not do, or NULL. */
static const GaitBackend *
choose_from(const GaitBackendWish *wish, gsize first, GError *earlier, GString *why, GError **error)
{
	g_autoptr(GError) failure = earlier;
	const char *lack = NULL;

	for (gsize i = first; i < G_N_ELEMENTS(backends); i++) {
		g_autoptr(GError) reason = NULL;
		const char *lacks = find_lack(wish, backends[i]);

		if (!is_meant(wish, backends[i]))
			continue;
		if (!lacks && backends[i]->probe(&reason))
			return backends[i];
		g_string_append_printf(why, "%s: %s\n", backends[i]->name,
		                       lacks ? lacks : reason->message);
		if (lacks)
			lack = lacks;
		else if (!failure)
			failure = g_steal_pointer(&reason);
	}
	if (failure) {
		gboolean is_short = !earlier && failure->code != GAIT_ERROR_UNSUPPORTED;

		advise(wish, g_steal_pointer(&failure), is_short, error);
	} else {
		refuse(wish, lack, error);
	}
	return NULL;
}

const GaitBackend *
gait_backend_choose(const GaitBackendWish *wish, GString *why, GError **error)
{
	return is_known(wish->name, error) ? choose_from(wish, 0, NULL, why, error) : NULL;
}

const GaitBackend *
gait_backend_choose_next(const GaitBackendWish *wish, const GaitBackend *failed,
                         const GError *reason, GString *why, GError **error)
{
	gsize i = 0;

	while (backends[i] != failed)
		i++;
	g_string_append_printf(why, "%s: %s\n", failed->name, reason->message);
	return choose_from(wish, i + 1, g_error_copy(reason), why, error);
}
