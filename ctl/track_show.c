/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "connect.h"
#include "ctl.h"
#include "json.h"
#include "row.h"
#include "rules.h"
#include "text.h"
#include "track.h"

#define RULES \
	"SELECT scope, subject, kind, mode, notice, notice_plain, quoted, " \
	"pixel_url, updated_at, updated_by FROM policy_rule "
#define CONSENTS "SELECT rcpt, state, at, method, text FROM consent "

struct showing {
	struct ctl *c;
	struct mt_db *db;
	struct mt_str subject; /* absent: all */
	json_t *json; /* instead of tables */
	size_t n;
};

/* Rows as a JSON array. */
static json_t *
json_rows(struct mt_rows *rows, size_t *n, struct mt_err *err)
{
	json_t *list = json_array();

	while (mt_rows_next(rows, err) == MT_OK) {
		(void)json_array_append_new(list, ctl_row_json(rows));
		++*n;
	}
	return list;
}

static enum ctl_color
color_of(struct mt_str word)
{
	if (mt_str_eqz(word, "off") || mt_str_eqz(word, "denied"))
		return CTL_RED;
	return CTL_GREEN;
}

static void
table_rows(struct showing *s, struct mt_rows *rows, const char *time_column,
    const char *const *titles, struct mt_err *err)
{
	struct ctl_table *t = ctl_table_new(mt_rows_columns(rows));
	char at[MT_TIME_LEN + 1];
	const char *name;
	struct mt_str text;
	size_t i;

	ctl_table_head(t, titles);
	while (mt_rows_next(rows, err) == MT_OK) {
		for (i = 0; i < mt_rows_columns(rows); i++) {
			name = mt_rows_name(rows, i);
			text = mt_rows_text(rows, i);
			if (strcmp(name, time_column) == 0) {
				mt_time_write(
				    mt_rows_time(rows, i), 'T', true, at);
				ctl_table_cellz(t, CTL_DIM, at);
			} else if (strcmp(name, "mode") == 0 ||
			    strcmp(name, "state") == 0) {
				ctl_table_cell(t, color_of(text), text);
			} else if (text.p == NULL) {
				ctl_table_cellz(t, CTL_DIM, "-");
			} else {
				ctl_table_cell(t, CTL_PLAIN, text);
			}
		}
		s->n++;
	}
	if (ctl_table_rows(t) > 1)
		ctl_table_print(t, stdout, s->c->color, 0);
	ctl_table_free(t);
}

/*
 * The rules that may speak for a subject: of itself, of its domain, of all.
 */
static enum mt_rc
show_part(struct showing *s, const char *select, const char *column,
    const char *time_column, const char *const *titles, struct mt_err *err)
{
	char at_domain[MT_MAX_ADDRESS + 2] = "";
	struct mt_str local, domain, args[3];
	struct mt_rows *rows;
	struct mt_buf sql;
	enum mt_rc rc;

	mt_buf_init(&sql, 1024);
	mt_buf_z(&sql, select);
	if (s->subject.p != NULL)
		mt_buf_printf(&sql, "WHERE %s IN ('*', ?, ?, ?) ", column);
	mt_buf_printf(&sql, "ORDER BY %s%s",
	    strcmp(column, "subject") == 0 ? "FIELD(scope, 'global', "
					     "'domain', 'mailbox', "
					     "'recipient'), "
					   : "",
	    column);
	if (mt_str_cut_last(s->subject, '@', &local, &domain))
		(void)snprintf(
		    at_domain, sizeof(at_domain), "@%.*s", MT_STR_ARG(domain));
	args[0] = s->subject;
	args[1] = mt_str(at_domain);
	args[2] = domain;
	if (domain.p == NULL)
		args[2] = s->subject;
	rc = mt_rows_open(
	    s->db, sql.p, args, s->subject.p != NULL ? 3 : 0, &rows, err);
	mt_buf_done(&sql);
	if (rc != MT_OK)
		return rc;
	*err = (struct mt_err){ .rc = MT_ABSENT };
	if (s->json != NULL)
		ctl_json_set(s->json,
		    strcmp(column, "subject") == 0 ? "rules" : "consents",
		    json_rows(rows, &s->n, err));
	else
		table_rows(s, rows, time_column, titles, err);
	mt_rows_close(rows);
	return err->rc == MT_ABSENT ? MT_OK : err->rc;
}

static enum mt_rc
show(struct showing *s, struct mt_err *err)
{
	static const char *const rule_titles[] = { "scope", "subject", "kind",
		"mode", "notice", "notice_plain", "quoted", "pixel_url",
		"updated_at", "updated_by" };
	static const char *const consent_titles[] = { "recipient", "consent",
		"at", "method", "text" };
	size_t rules;
	enum mt_rc rc;

	rc = show_part(s, RULES, "subject", "updated_at", rule_titles, err);
	if (rc != MT_OK)
		return rc;
	rules = s->n;
	if (s->json == NULL && rules > 0)
		(void)putchar('\n');
	rc = show_part(s, CONSENTS, "rcpt", "at", consent_titles, err);
	if (rc != MT_OK)
		return rc;
	if (s->json != NULL)
		ctl_json_print(json_incref(s->json), stdout);
	else if (s->n == 0)
		(void)printf("no rules and no consents%s: nothing is "
			     "tracked\n",
		    s->subject.p != NULL ? " about it" : "");
	return MT_OK;
}

static enum mt_rc
run_show(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct showing s = { .c = c };
	struct mt_buf key;
	enum mt_rc rc;

	mt_buf_init(&key, MT_MAX_ADDRESS);
	if (a->n > 0) {
		ctl_rule_subject(MT_scope_mailbox, mt_str(a->argv[0]), &key);
		s.subject = mt_buf_view(&key);
	}
	if (ctl_given(a, "json"))
		s.json = json_object();
	rc = ctl_db_open(c->o, &s.db, err);
	if (rc == MT_OK)
		rc = show(&s, err);
	json_decref(s.json);
	mt_db_close(s.db);
	mt_buf_done(&key);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_track_show = {
	.name = "show",
	.args = "[ADDRESS | DOMAIN]",
	.does = "show the rules and consents, or those about one subject",
	.opts = opts,
	.max = 1,
	.conf = true,
	.run = run_show,
};
