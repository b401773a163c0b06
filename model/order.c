/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical order of a model's parts. Everything that sorts, searches or checks order asks
 * here. */
#include "model/model-private.h"

#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int
gait_run_compare(const GaitRun *a, const GaitRun *b)
{
	return strcmp(a->id, b->id);
}

int
gait_amendment_compare(const GaitAmendment *a, const GaitAmendment *b)
{
	return strcmp(a->id, b->id);
}

int
gait_module_compare(const GaitModelModule *a, const GaitModelModule *b)
{
	int order = strcmp(a->path, b->path);

	return order ? order : strcmp(a->build_id, b->build_id);
}

int
gait_symbol_compare(const GaitSymbol *a, const GaitSymbol *b)
{
	if (a->nr != b->nr)
		return COMPARE(a->nr, b->nr);
	if (a->klass != b->klass)
		return COMPARE(a->klass, b->klass);
	return COMPARE(a->site, b->site);
}

int
gait_edge_compare(const GaitEdge *a, const GaitEdge *b)
{
	return a->from != b->from ? COMPARE(a->from, b->from) : COMPARE(a->to, b->to);
}

int
gait_symbol_ref_compare(const GaitSymbolRef *a, const GaitSymbolRef *b)
{
	if (a->library != b->library)
		return COMPARE(a->library, b->library);
	return COMPARE(a->symbol, b->symbol);
}

int
gait_issuer_compare(const GaitIssuer *a, const GaitIssuer *b)
{
	if (a->nr != b->nr)
		return COMPARE(a->nr, b->nr);
	if (a->module != b->module)
		return COMPARE(a->module, b->module);
	return COMPARE(a->offset, b->offset);
}

int
gait_call_compare(const GaitCall *a, const GaitCall *b)
{
	return a->nr != b->nr ? COMPARE(a->nr, b->nr) : COMPARE(a->klass, b->klass);
}

static const char *
module_key(const GaitModelModule *module)
{
	const char *slash = strrchr(module->path, '/');

	return module->build_id[0] && slash ? slash + 1 : module->path;
}

gboolean
gait_module_equal(const GaitModelModule *a, const GaitModelModule *b)
{
	return strcmp(a->build_id, b->build_id) == 0 && strcmp(module_key(a), module_key(b)) == 0;
}

guint
gait_module_hash(const GaitModelModule *module)
{
	return g_str_hash(module_key(module)) ^ g_str_hash(module->build_id);
}

const GaitRoleCount *
gait_edge_find_role(const GaitEdge *edge, guint32 role)
{
	for (guint32 i = 0; i < edge->roles->len; i++)
		if (g_array_index(edge->roles, GaitRoleCount, i).role == role)
			return &g_array_index(edge->roles, GaitRoleCount, i);
	return NULL;
}

guint32
gait_calls_find(const GArray *calls, guint32 nr, guint32 klass)
{
	GaitCall key = {nr, klass, 0};
	guint index;

	if (!g_array_binary_search((GArray *)calls, &key, (GCompareFunc)gait_call_compare, &index))
		return GAIT_NONE;
	return index;
}
