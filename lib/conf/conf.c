/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"

struct mt_conf {
	atomic_uint refs;
	const struct mt_conf_desc *desc;
	void *values; /* owned; desc->size bytes */
	struct mt_buf texts; /* owned; what the values' texts point into */
	unsigned lines[MT_MAX_FIELDS]; /* where each was set; 0: not in file */
};

struct mt_conf *
mt_conf_ref(struct mt_conf *conf)
{
	atomic_fetch_add(&conf->refs, 1);
	return conf;
}

void
mt_conf_unref(struct mt_conf *conf)
{
	if (conf == NULL || atomic_fetch_sub(&conf->refs, 1) != 1)
		return;
	mt_buf_done(&conf->texts);
	mt_free(conf->values);
	mt_free(conf);
}

const void *
mt_conf_values(const struct mt_conf *conf)
{
	return conf->values;
}

const struct mt_conf_desc *
mt_conf_desc_of(const struct mt_conf *conf)
{
	return conf->desc;
}

static const struct mt_field *
find_option(const struct mt_conf_desc *desc, struct mt_str name)
{
	size_t i;

	for (i = 0; i < desc->n; i++)
		if (mt_str_eqz(name, desc->fields[i].name))
			return &desc->fields[i];
	return NULL;
}

static enum mt_rc
set_option(struct mt_conf *conf, struct mt_str line, unsigned number,
    struct mt_err *err)
{
	const struct mt_field *f;
	struct mt_str name, value;
	size_t at;

	if (!mt_str_cut(line, '=', &name, &value))
		return mt_fail(err, MT_CONFIG, "not of the form name = value");
	name = mt_str_trim(name);
	value = mt_str_trim(value);
	if ((f = find_option(conf->desc, name)) == NULL)
		return mt_fail(err, MT_CONFIG, "unknown option %s",
		    mt_quote(name.n > 64 ? mt_str_n(name.p, 64) : name).s);
	at = (size_t)(f - conf->desc->fields);
	if (number > 0 && conf->lines[at] > 0)
		return mt_fail(err, MT_CONFIG, "%s: set before, on line %u",
		    f->name, conf->lines[at]);
	if (value.n == 0 && f->type != MT_STR)
		return mt_fail(err, MT_CONFIG, "%s: has no value", f->name);
	if (mt_field_read(f, value, conf->values, err) != MT_OK)
		return err->rc = MT_CONFIG;
	conf->lines[at] = number;
	return MT_OK;
}

/* An empty text option is absent, as in "db_host =". */
static void
drop_empty_texts(struct mt_conf *conf)
{
	const struct mt_field *f = conf->desc->fields;
	size_t i;

	for (i = 0; i < conf->desc->n; i++) {
		struct mt_str *text;

		if (f[i].type != MT_STR || (f[i].flags & MT_REQ) != 0)
			continue;
		text = (void *)((char *)conf->values + f[i].off);
		if (text->n == 0)
			*text = mt_str(NULL);
	}
}

static enum mt_rc
set_defaults(struct mt_conf *conf, struct mt_err *err)
{
	const struct mt_field *f;
	size_t i;

	for (i = 0; i < conf->desc->n; i++) {
		f = &conf->desc->fields[i];
		if (f->def == NULL)
			continue;
		if (mt_field_read(f, mt_str(f->def), conf->values, err) !=
		    MT_OK) {
			mt_err_in(err, "default");
			return err->rc = MT_CONFIG;
		}
	}
	return MT_OK;
}

static enum mt_rc
read_lines(struct mt_conf *conf, struct mt_str text, const char *path,
    struct mt_err *err)
{
	struct mt_str line;
	unsigned number = 0;

	while (text.n > 0) {
		(void)mt_str_cut(text, '\n', &line, &text);
		number++;
		if (line.n > MT_MAX_CONF_LINE) {
			(void)mt_fail(err, MT_CONFIG,
			    "line is longer than %d bytes", MT_MAX_CONF_LINE);
		} else {
			line = mt_str_trim(line);
			if (line.n == 0 || line.p[0] == '#')
				continue;
			if (set_option(conf, line, number, err) == MT_OK)
				continue;
		}
		mt_err_in(err, "%s:%u", path, number);
		return MT_CONFIG;
	}
	return MT_OK;
}

static enum mt_rc
check_values(struct mt_conf *conf, const char *path, struct mt_err *err)
{
	const struct mt_conf_desc *desc = conf->desc;
	const struct mt_field *f;
	struct mt_str name, rest;
	unsigned line = 0;
	size_t i;

	for (i = 0; i < desc->n; i++) {
		f = &desc->fields[i];
		if (f->type == MT_STR && (f->flags & MT_REQ) != 0 &&
		    ((const struct mt_str *)mt_field_at(f, conf->values))->n ==
			0) {
			(void)mt_fail(
			    err, MT_CONFIG, "%s: has no value", f->name);
			goto fail;
		}
	}
	if (desc->check == NULL || desc->check(conf->values, err) == MT_OK)
		return MT_OK;
fail:
	(void)mt_str_cut(mt_str(err->msg), ':', &name, &rest);
	if ((f = find_option(desc, name)) != NULL)
		line = conf->lines[f - desc->fields];
	if (path != NULL && line > 0)
		mt_err_in(err, "%s:%u", path, line);
	else if (path != NULL)
		mt_err_in(err, "%s", path);
	return err->rc = MT_CONFIG;
}

enum mt_rc
mt_conf_parse(const struct mt_conf_desc *desc, const char *path,
    struct mt_str text, const char *const *overrides, size_t n_overrides,
    struct mt_conf **ret_conf, struct mt_err *err)
{
	struct mt_conf *conf = mt_alloc(sizeof(*conf));
	size_t i, room = text.n + 1;

	atomic_init(&conf->refs, 1);
	conf->desc = desc;
	conf->values = mt_alloc(desc->size);
	for (i = 0; i < n_overrides; i++)
		room += strlen(overrides[i]) + 1;
	mt_buf_init(&conf->texts, room);
	/* One allocation: the values borrow from it while it fills. */
	(void)mt_buf_reserve(&conf->texts, room);
	mt_buf_str(&conf->texts, text);
	if (set_defaults(conf, err) != MT_OK ||
	    read_lines(conf, mt_buf_view(&conf->texts), path, err) != MT_OK)
		goto fail;
	for (i = 0; i < n_overrides; i++) {
		size_t at = conf->texts.n, n = strlen(overrides[i]);

		mt_buf_add(&conf->texts, overrides[i], n);
		if (set_option(conf, mt_str_n(conf->texts.p + at, n), 0, err) !=
		    MT_OK) {
			mt_err_in(err, "-o %s", overrides[i]);
			goto fail;
		}
	}
	drop_empty_texts(conf);
	if (check_values(conf, path, err) != MT_OK)
		goto fail;
	*ret_conf = conf;
	return MT_OK;
fail:
	mt_conf_unref(conf);
	return err->rc;
}

static enum mt_rc
read_file(const char *path, struct mt_buf *text, struct mt_err *err)
{
	char chunk[8192];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		(void)mt_fail_sys(err, "%s", path);
		return err->rc = err->sys == ENOENT ? MT_ABSENT : MT_CONFIG;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		mt_buf_add(text, chunk, (size_t)n);
	if (n < 0)
		(void)mt_fail_sys(err, "%s", path);
	(void)close(fd);
	if (n < 0)
		return err->rc = MT_CONFIG;
	if (mt_buf_over(text))
		return mt_fail(err, MT_CONFIG, "%s: larger than %d bytes", path,
		    MT_MAX_CONF);
	return MT_OK;
}

enum mt_rc
mt_conf_load(const struct mt_conf_desc *desc, const char *path,
    const char *const *overrides, size_t n_overrides, struct mt_conf **ret_conf,
    struct mt_err *err)
{
	enum mt_rc rc = MT_OK;
	struct mt_buf text;

	mt_buf_init(&text, MT_MAX_CONF);
	if (path != NULL)
		rc = read_file(path, &text, err);
	if (rc == MT_OK)
		rc = mt_conf_parse(desc, path, mt_buf_view(&text), overrides,
		    n_overrides, ret_conf, err);
	mt_buf_done(&text);
	return rc;
}
