/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as a page: everything in one file, nothing from elsewhere. It reads without its script,
 * which only zooms pictures and folds the payloads that are refused.
 */
#include "model/report-html-private.h"

#include "sysgait/text.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root{--bg:#fff;--fg:#1f2937;--dim:#6b7280;--line:#d1d5db;--soft:#f3f4f6;--bad:#c62828;"
    "--bar:#3b6ea5}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e5e7eb;--dim:#9ca3af;"
    "--line:#3b424d;--soft:#20252d;--bad:#ff7b72;--bar:#6ea0d8}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:1240px;padding:20px;background:var(--bg);"
    "color:var(--fg);font:14px/1.45 Helvetica,Arial,sans-serif}\n"
    "h1{font-size:24px;margin:0}h2{font-size:20px;margin:36px 0 4px;border-top:2px solid "
    "var(--line);padding-top:16px}h3{font-size:16px;margin:28px 0 4px}h4{margin:18px 0 4px}\n"
    "p{margin:4px 0 10px;max-width:80ch}.dim{color:var(--dim);font-weight:normal}.bad{color:"
    "var(--bad);font-weight:bold}\n"
    ".wide{overflow-x:auto}table{border-collapse:separate;border-spacing:0;font-variant-numeric:"
    "tabular-nums}\n"
    "th,td{padding:3px 10px;border-bottom:1px solid var(--line);text-align:right;vertical-align:"
    "top}th{font-weight:bold;color:var(--dim)}th:first-child,td:first-child,.left{text-align:"
    "left!important}td.left{min-width:220px}\n"
    ".chip,.cell i{display:inline-block;min-width:17px;padding:0 4px;border-radius:3px;color:#fff;"
    "font:bold 11px/17px Helvetica,Arial,sans-serif;text-align:center}.cell{text-align:left;"
    "white-space:nowrap}.cell i{margin-right:2px}\n"
    ".matrix th{white-space:nowrap}.matrix td:first-child{font-family:monospace}\n"
    ".strip{width:100%;height:120px;display:block;border:1px solid var(--line);margin:4px 0 8px}"
    ".slot{fill:var(--soft)}.num{font:bold 13px Helvetica,Arial,sans-serif;text-anchor:middle;fill:"
    "#1f2937}.flat{stroke:var(--bad);stroke-dasharray:6 4;fill:none;stroke-width:1.5}\n"
    ".bar{display:inline-block;height:9px;background:var(--bar);border-radius:2px;margin-right:6px}"
    "td.bars{min-width:180px;text-align:left}\n"
    "details{margin:6px 0;border:1px solid var(--line);border-radius:5px;padding:4px 10px}summary{"
    "cursor:pointer;font-weight:bold}\n"
    ".zoom{background:#fff;border-radius:4px;overflow:hidden;touch-action:pan-y;cursor:grab}.zoom "
    "svg{width:100%;height:auto;display:block}\n"
    /* What a row is about stays in sight while the rest of it is scrolled. */
    "@media "
    "(max-width:600px){.num{display:none}body{padding:12px}td.left{min-width:290px}td.dim:last-"
    "child{"
    "min-width:450px}.wide "
    "td:first-child,.wide th:first-child{position:sticky;left:0;background:var(--bg);min-width:"
    "110px;max-width:150px;overflow-wrap:break-word}}\n"
    /* Paper does not scroll. */
    "@media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}body{max-width:none;"
    "padding:0;font-size:11px}.wide{overflow:visible}th,td{padding:2px "
    "5px;overflow-wrap:break-word}"
    "td.left,td.bars{min-width:0}td.bars{white-space:nowrap}.cell{white-space:normal}.matrix th{"
    "white-space:normal;min-width:44px}label{display:none}.zoom "
    "svg{max-height:225mm!important}tr,.strip,.zoom{break-inside:avoid}h2,h3,h4,summary,p{"
    "break-after:avoid}}\n"
    "</style>\n";

static const char script[] =
    "<script>\n"
    "for(const div of document.querySelectorAll('.zoom')){\n"
    " const svg=div.querySelector('svg');if(!svg)continue;\n"
    " const whole=svg.getAttribute('viewBox').split(/[ ,]+/).map(Number);let box=whole.slice();\n"
    /* A finger moves the page, and the picture once that is larger than its frame. */
    " const set=()=>{svg.setAttribute('viewBox',box.join(' "
    "'));div.style.touchAction=box[2]<whole[2]"
    "?'none':'pan-y'};\n"
    " const scale=()=>Math.max(box[2]/svg.clientWidth,box[3]/svg.clientHeight);\n"
    " const zoom=(f,cx,cy)=>{const r=svg.getBoundingClientRect(),s=scale();\n"
    "  const x=box[0]+box[2]/2+(cx-r.left-r.width/2)*s,y=box[1]+box[3]/2+(cy-r.top-r.height/2)*s;\n"
    "  if(box[2]*f<20||box[2]*f>whole[2]*2)return;\n"
    "  box=[x-(x-box[0])*f,y-(y-box[1])*f,box[2]*f,box[3]*f];set()};\n"
    " div.addEventListener('wheel',e=>{if(!e.ctrlKey&&!e.shiftKey&&box[2]>=whole[2]&&e.deltaY>0)"
    "return;e.preventDefault();zoom(e.deltaY>0?1.15:1/"
    "1.15,e.clientX,e.clientY)},{passive:false});\n"
    " const held=new Map();let span=0;\n"
    " div.addEventListener('pointerdown',e=>{held.set(e.pointerId,e);div.setPointerCapture("
    "e.pointerId);div.style.cursor='grabbing'});\n"
    " const drop=e=>{held.delete(e.pointerId);span=0;div.style.cursor='grab'};\n"
    " div.addEventListener('pointerup',drop);div.addEventListener('pointercancel',drop);\n"
    " div.addEventListener('pointermove',e=>{const last=held.get(e.pointerId);if(!last)return;\n"
    "  held.set(e.pointerId,e);\n"
    "  if(held.size===1){const s=scale();box[0]-=(e.clientX-last.clientX)*s;box[1]-=(e.clientY-"
    "last.clientY)*s;set();return}\n"
    "  const [a,b]=[...held.values()],d=Math.hypot(a.clientX-b.clientX,a.clientY-b.clientY);\n"
    "  if(span)zoom(span/d,(a.clientX+b.clientX)/2,(a.clientY+b.clientY)/2);span=d});\n"
    " div.addEventListener('dblclick',()=>{box=whole.slice();set()});\n"
    "}\n"
    "for(const box of document.querySelectorAll('.refused')){\n"
    " const show=()=>{for(const row of box.closest('section').querySelectorAll('tr.no'))"
    "row.hidden=!box.checked};\n"
    " box.addEventListener('change',show);show();\n"
    "}\n"
    "</script>\n";

void
gait_page_text(GString *out, const char *text)
{
	g_autoptr(GString) safe = g_string_new(NULL);
	g_autofree char *escaped = NULL;

	gait_text_append(safe, text);
	escaped = g_markup_escape_text(safe->str, (gssize)safe->len);
	g_string_append(out, escaped);
}

const GaitReportPhase *
gait_page_get_phase(const GaitPage *page, guint i)
{
	return &g_array_index(page->program->phases, GaitReportPhase, i);
}

static const char *
role_name(const GaitPage *page, guint32 role)
{
	return gait_program_get_role(page->program->program, role)->name;
}

/* --- filters ------------------------------------------------------------------------------------
 */

static void
add_bar(GString *out, double value, double most)
{
	g_string_append_printf(out,
	                       "<td class=\"bars\"><span class=\"bar\" style=\"width:%.0fpx\">"
	                       "</span>%.1f</td>",
	                       most > 0 ? MAX(100 * value / most, 1) : 1, value);
}

static void
add_filters(GaitPage *page)
{
	const GaitFiltered *filtered = page->program->filtered;
	const GaitFiltered *worst = &filtered[GAIT_FILTER_NONE];

	g_string_append(
	    page->out,
	    "<h3>What an attacker could do next</h3><p class=\"dim\">Once code of the "
	    "program is taken over: means over the life of all tasks, under filters that "
	    "were all learned from the same runs. Surface: acts that matter, weighed by "
	    "danger.</p><div class=\"wide\"><table>\n<tr><th>under</th><th "
	    "class=\"left\">syscalls</th><th>95th percentile</th><th "
	    "class=\"left\">surface</th><th>payloads that pass</th></tr>\n");
	for (GaitFilter i = 0; i < GAIT_FILTER_N_; i++) {
		g_string_append_printf(page->out, "<tr><td>%s</td>", gait_filter_text(i));
		add_bar(page->out, filtered[i].n_syscalls, worst->n_syscalls);
		g_string_append_printf(page->out, "<td>%.0f</td>", filtered[i].n_p95);
		add_bar(page->out, filtered[i].surface, worst->surface);
		g_string_append_printf(page->out, "<td>%u", filtered[i].n_payloads);
		if (filtered[i].n_padded)
			g_string_append_printf(page->out, " <span class=\"dim\">+%u padded</span>",
			                       filtered[i].n_padded);
		g_string_append(page->out, "</td></tr>\n");
	}
	g_string_append(page->out, "</table></div>\n");
}

/* --- payloads -----------------------------------------------------------------------------------
 */

static void
add_places(GaitPage *page, guint payload, GaitCover cover)
{
	const char *separator = "";

	for (guint i = 0; i < page->program->phases->len; i++) {
		const GaitReportPhase *phase = gait_page_get_phase(page, i);

		if (cover == GAIT_COVER_NONE || phase->covers[payload] != cover)
			continue;
		g_string_append(page->out, separator);
		gait_page_text(page->out, role_name(page, phase->role));
		g_string_append_printf(page->out, " %u", phase->phase + 1);
		separator = ", ";
	}
}

static void
add_payloads(GaitPage *page)
{
	guint n;
	const GaitPayload *payloads = gait_payloads(&n);

	g_string_append_printf(
	    page->out,
	    "<section><h3>Payloads</h3><p class=\"dim\">%u families of exploit payloads as orders "
	    "of "
	    "acts, tried in every phase from every state, as each of the libraries. “With "
	    "padding”: "
	    "only if harmless calls are made in between (mimicry).</p><p><label><input "
	    "type=\"checkbox\" class=\"refused\"> show what is refused</label></p>\n"
	    "<div class=\"wide\"><table><tr><th>payload</th><th class=\"left\">acts</th><th "
	    "class=\"left\">passes</th><th class=\"left\">in role and phase</th></tr>\n",
	    n);
	for (guint i = 0; i < n; i++) {
		GaitCover cover = page->program->covers[i];

		g_string_append_printf(page->out, "<tr%s><td%s>%s</td><td class=\"left dim\">",
		                       cover == GAIT_COVER_NONE ? " class=\"no\"" : "",
		                       cover == GAIT_COVER_PLAIN ? " class=\"bad\"" : "",
		                       payloads[i].name);
		gait_payload_describe(&payloads[i], page->out);
		g_string_append_printf(page->out,
		                       "</td><td class=\"left\">%s</td><td class=\"left\">",
		                       gait_cover_text(cover));
		add_places(page, i, cover);
		g_string_append(page->out, "</td></tr>\n");
	}
	g_string_append(page->out, "</table></div></section>\n");
}

/* --- training -----------------------------------------------------------------------------------
 */

static void
add_libraries(GaitPage *page)
{
	g_string_append(
	    page->out,
	    "<h3>Training</h3><p class=\"dim\">Unseen: edges that the next run is expected "
	    "to bring (Good–Turing); near 0 is mature.</p><div class=\"wide\"><table><tr>"
	    "<th>library</th><th>of all calls</th><th>syscalls</th><th>sites</th>"
	    "<th>edges</th><th>next, mean</th><th>95th percentile</th><th>surface</th>"
	    "<th>unseen</th></tr>\n");
	for (guint i = 0; i < page->program->libraries->len; i++) {
		const GaitReportLibrary *row =
		    &g_array_index(page->program->libraries, GaitReportLibrary, i);
		guint32 module =
		    gait_program_get_library(page->program->program, row->library)->module;

		g_string_append(page->out, "<tr><td>");
		gait_page_text(page->out, gait_model_module_name(page->report->model, module));
		g_string_append_printf(
		    page->out,
		    "</td><td>%.1f%%</td><td>%u</td><td>%u</td><td>%u</td>"
		    "<td>%.1f</td><td>%.0f</td><td>%.1f</td><td>%.2f</td></tr>\n",
		    100 * row->share, row->metrics.n_syscalls, row->metrics.n_sites,
		    row->metrics.n_edges, row->metrics.branching, row->metrics.branching_p95,
		    row->surface, row->metrics.unseen_per_run);
	}
	g_string_append(page->out, "</table></div>\n");
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* The greatest of any phase; the flat set's as well, where that leaves the bars readable. */
static double
find_most(const GaitReportProgram *program)
{
	double flat = program->filtered[GAIT_FILTER_PROGRAM].surface, most = 0.1;

	for (guint i = 0; i < program->phases->len; i++)
		most = MAX(most, g_array_index(program->phases, GaitReportPhase, i).surface);
	return flat < 4 * most ? MAX(most, flat) : most;
}

static gboolean
add_program(const GaitReport *report, const GaitReportProgram *program, GString *out,
            GError **error)
{
	GaitPage page = {report, program, out, find_most(program)};

	g_string_append(out, "<h2>");
	gait_page_text(out, program->program->path);
	g_string_append_printf(out,
	                       "</h2><p class=\"dim\">%u %s, %" G_GUINT64_FORMAT
	                       " system calls; %u distinct syscalls at %u call sites; expect %.2f "
	                       "unseen edges in the next run</p>\n",
	                       program->program->n_runs,
	                       program->program->n_runs == 1 ? "run" : "runs",
	                       program->metrics.n_events, program->metrics.n_syscalls,
	                       program->metrics.n_sites, program->metrics.unseen_per_run);
	add_filters(&page);
	gait_page_add_life(&page);
	add_payloads(&page);
	gait_page_add_matrix(&page);
	if (!gait_page_add_automata(&page, error))
		return FALSE;
	add_libraries(&page);
	return TRUE;
}

static void
add_title(const GaitReport *report, const GPtrArray *programs, GString *out)
{
	const GaitModel *model = report->model;

	g_string_append(out, "<title>sysgait report</title></head><body>\n<h1>");
	for (guint i = 0; i < programs->len && i < 3; i++) {
		const GaitReportProgram *program = g_ptr_array_index(programs, i);

		g_string_append(out, i ? ", " : "");
		gait_page_text(out, gait_text_basename(program->program->path));
	}
	if (model->programs->len > 3)
		g_string_append_printf(out, " and %u more", model->programs->len - 3);
	g_string_append_printf(out, "</h1><p class=\"dim\">learned from %u run%s on Linux ",
	                       model->runs->len, model->runs->len == 1 ? "" : "s");
	gait_page_text(out, model->kernel);
	if (model->is_amended)
		g_string_append(out, "; amended by hand");
	g_string_append(
	    out, "</p><p>What is learned is what was seen: it allows less than static analysis, "
	         "which has to allow whatever the code could do, and it cannot promise, as that "
	         "can, that nothing rightful is refused.</p>\n");
}

GString *
gait_report_print_html(const GaitReport *report, GError **error)
{
	g_autoptr(GString) out = g_string_new(head);
	g_autoptr(GPtrArray) programs = gait_report_dup_busiest(report);

	add_title(report, programs, out);
	for (guint i = 0; i < programs->len; i++)
		if (!add_program(report, g_ptr_array_index(programs, i), out, error))
			return NULL;
	g_string_append(out, script);
	g_string_append(out, "</body></html>\n");
	return g_steal_pointer(&out);
}
