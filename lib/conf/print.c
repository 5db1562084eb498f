/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/limits.h"
#include "conf/conf.h"

#define SAMPLE_COLUMNS 76

static void
add_value(const struct mt_field *f, const void *values, struct mt_buf *out)
{
	mt_buf_printf(out, "%s =", f->name);
	if (!mt_field_absent(f, values)) {
		mt_buf_c(out, ' ');
		mt_field_write(f, values, out);
	}
	mt_buf_c(out, '\n');
}

void
mt_conf_print(const struct mt_conf *conf, bool changed_only, struct mt_buf *out)
{
	const struct mt_conf_desc *desc = mt_conf_desc_of(conf);
	const void *values = mt_conf_values(conf);
	struct mt_conf *defaults = NULL;
	struct mt_buf now, def;
	struct mt_err err;
	size_t i;

	mt_buf_init(&now, MT_MAX_CONF_LINE);
	mt_buf_init(&def, MT_MAX_CONF_LINE);
	/* Defaults that break a check of their own are printed in full. */
	if (changed_only &&
	    mt_conf_load(desc, NULL, NULL, 0, &defaults, &err) != MT_OK)
		defaults = NULL;
	for (i = 0; i < desc->n; i++) {
		mt_buf_reset(&now);
		mt_buf_reset(&def);
		add_value(&desc->fields[i], values, &now);
		if (defaults != NULL)
			add_value(
			    &desc->fields[i], mt_conf_values(defaults), &def);
		if (!mt_str_eq(mt_buf_view(&now), mt_buf_view(&def)))
			mt_buf_str(out, mt_buf_view(&now));
	}
	mt_conf_unref(defaults);
	mt_buf_done(&now);
	mt_buf_done(&def);
}

/* "# " lines of at most SAMPLE_COLUMNS, broken at spaces. */
static void
add_comment(struct mt_str text, struct mt_buf *out)
{
	struct mt_str word;
	size_t column = 0;

	while (text.n > 0) {
		(void)mt_str_cut(text, ' ', &word, &text);
		if (column > 0 && column + word.n + 1 > SAMPLE_COLUMNS) {
			mt_buf_c(out, '\n');
			column = 0;
		}
		mt_buf_z(out, column == 0 ? "# " : " ");
		mt_buf_str(out, word);
		column += word.n + (column == 0 ? 2 : 1);
	}
	mt_buf_c(out, '\n');
}

static void
add_bounds(const struct mt_field *f, struct mt_buf *out)
{
	size_t i;

	if (f->type == MT_ENUM) {
		for (i = 1; f->words[i] != NULL; i++)
			mt_buf_printf(
			    out, "%s%s", i > 1 ? " | " : "", f->words[i]);
	} else if (f->type == MT_STR) {
		mt_buf_printf(out, "text, at most %" PRIu64 " bytes", f->max);
	} else if (f->max > 0) {
		mt_buf_printf(
		    out, "%s, at most %" PRIu64, mt_type_name(f->type), f->max);
	} else {
		mt_buf_z(out, mt_type_name(f->type));
	}
}

void
mt_conf_sample(const struct mt_conf_desc *desc, struct mt_buf *out)
{
	const struct mt_field *f;
	size_t i;

	mt_buf_printf(out,
	    "# Options of %s. Each stands here with its default; %s -t\n"
	    "# checks the file, SIGUSR1 makes the program read it again.\n",
	    desc->program, desc->program);
	for (i = 0; i < desc->n; i++) {
		f = &desc->fields[i];
		mt_buf_c(out, '\n');
		add_comment(mt_str(f->doc), out);
		mt_buf_z(out, "# (");
		add_bounds(f, out);
		mt_buf_z(out, ")\n");
		mt_buf_printf(out, "#%s =%s%s\n", f->name,
		    f->def != NULL ? " " : "", f->def != NULL ? f->def : "");
	}
}

/* Each sentence on a line of its own, as mdoc wants it. */
static void
add_mdoc(const char *doc, struct mt_buf *out)
{
	for (; *doc != '\0'; doc++) {
		if (*doc == '\\')
			mt_buf_z(out, "\\e");
		else
			mt_buf_c(out, *doc);
		if (*doc != '.' || doc[1] != ' ')
			continue;
		mt_buf_c(out, '\n');
		doc++;
	}
	mt_buf_c(out, '\n');
}

void
mt_conf_mdoc(const struct mt_conf_desc *desc, struct mt_buf *out)
{
	const struct mt_field *f;
	size_t i;

	mt_buf_z(out, ".Bl -tag -width Ds\n");
	for (i = 0; i < desc->n; i++) {
		f = &desc->fields[i];
		mt_buf_printf(out, ".It Ic %s No = Ar ", f->name);
		add_bounds(f, out);
		mt_buf_c(out, '\n');
		add_mdoc(f->doc, out);
		if (f->def != NULL)
			mt_buf_printf(
			    out, "The default is\n.Ql %s .\n", f->def);
	}
	mt_buf_z(out, ".El\n");
}
