/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "prog/program.h"
#include "source.h"

#define WORDS_MAX 65536

enum mt_rc
setup_words(
    const struct tail_options *o, struct mt_buf *out, struct mt_err *err)
{
	char *const *operands;
	size_t i, n;

	operands = mt_program_operands(&n);
	for (i = 0; i < n; i++)
		mt_buf_printf(out, "%s ", operands[i]);
	if (n == 0)
		mt_buf_str(out, o->log);
	if (mt_buf_over(out))
		return mt_fail(err, MT_CONFIG, "log: too long");
	return MT_OK;
}

static bool
next_word(struct mt_str *rest, struct mt_str *ret_word)
{
	while (rest->n > 0) {
		(void)mt_str_cut(*rest, ' ', ret_word, rest);
		if (ret_word->n > 0)
			return true;
	}
	return false;
}

static bool
has_source(const struct tail *t, struct mt_str name)
{
	size_t i;

	for (i = 0; i < t->n_sources; i++)
		if (mt_str_eqz(name, t->sources[i]->name))
			return true;
	return false;
}

static enum mt_rc
add_source(struct tail *t, struct mt_str word, struct mt_err *err)
{
	if (has_source(t, word))
		return mt_fail(
		    err, MT_CONFIG, "%s: given twice", mt_quote(word).s);
	if (t->n_sources == TAIL_SOURCES)
		return mt_fail(
		    err, MT_CONFIG, "more than %d logs", TAIL_SOURCES);
	if (source_new(t, word, &t->sources[t->n_sources], err) != MT_OK)
		return err->rc;
	t->n_sources++;
	return MT_OK;
}

static enum mt_rc
add_sources(struct tail *t, struct mt_err *err)
{
	struct mt_str word, rest;
	struct mt_buf words;
	enum mt_rc rc;

	mt_buf_init(&words, WORDS_MAX);
	rc = setup_words(t->options, &words, err);
	rest = mt_buf_view(&words);
	while (rc == MT_OK && next_word(&rest, &word))
		rc = add_source(t, word, err);
	mt_buf_done(&words);
	if (rc == MT_OK && t->n_sources == 0)
		rc = mt_fail(err, MT_CONFIG, "names nothing to read");
	if (rc == MT_CONFIG)
		mt_err_in(err, "log");
	return rc;
}

/* Standard input alone is read once, and nothing is to be remembered of it. */
static bool
needs_state(const struct tail *t, struct mt_err *err)
{
	const struct source_kind *kind;
	struct mt_str word, rest;
	struct mt_buf words;
	bool needs = false;

	mt_buf_init(&words, WORDS_MAX);
	if (setup_words(t->options, &words, err) == MT_OK) {
		rest = mt_buf_view(&words);
		while (next_word(&rest, &word))
			needs |= source_kind_of(word, &kind, err) == MT_OK &&
			    kind->remembers;
	}
	mt_buf_done(&words);
	return needs;
}

static enum mt_rc
open_state(struct tail *t, struct mt_err *err)
{
	char *path = mt_str_dup(t->options->state_dir);

	(void)mkdir(path, 0770);
	t->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd >= 0)
		t->lock_fd = openat(t->dir_fd, MT_TAILED_LOCK,
		    O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (t->dir_fd < 0 || t->lock_fd < 0) {
		mt_err_put_sys(err, "state_dir: %s", path);
		err->rc = MT_CONFIG;
	} else if (flock(t->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		(void)mt_fail(err, MT_AGAIN,
		    "state_dir: %s: another mailtrail-tail is at work there",
		    path);
	} else {
		err->rc = MT_OK;
	}
	mt_free(path);
	return err->rc;
}

static void
load_state(struct tail *t)
{
	char boot[MT_BOOT_ID + 1];
	struct mt_err err;
	enum mt_rc rc;

	rc = mt_tailed_read(t->dir_fd, &t->before, &err);
	if (rc != MT_OK && rc != MT_ABSENT)
		mt_log(MT_LOG_ERR, "%s; beginning as if nothing was ever read",
		    err.msg);
	mt_state_boot(boot);
	t->rebooted = rc == MT_OK && strcmp(boot, t->before.boot) != 0;
}

static enum mt_rc
open_spool(struct tail *t, struct mt_err *err)
{
	const struct tail_options *o = t->options;
	const struct mt_spool_options spool = {
		.dir = o->spool_dir,
		.max = o->spool_max,
		.segment = o->spool_segment,
		.sync = (enum mt_sync)o->spool_sync,
	};

	return mt_spool_open(&spool, &t->spool, err);
}

static enum mt_rc
use_options(struct tail *t, struct mt_conf *conf, struct mt_err *err)
{
	const struct tail_options *o = mt_conf_values(conf);
	size_t n;

	t->conf = mt_conf_ref(conf);
	t->options = o;
	if (o->zone.n > 0)
		t->zone = mt_str_dup(o->zone);
	t->redis = (struct mt_redis_options){
		.user = o->mailcow_redis_user,
		.timeout_ms = 5000,
	};
	if (mt_endpoints_read(o->mailcow_redis, &t->endpoint, 1, &n, err) !=
	    MT_OK) {
		mt_err_in(err, "mailcow_redis");
		return err->rc;
	}
	if (mt_ignore_load(o->ignore_addresses, &t->ignore, err) == MT_OK)
		return MT_OK;
	mt_err_in(err, "ignore_addresses");
	return err->rc;
}

enum mt_rc
setup_begin(struct tail *t, struct mt_conf *conf, struct mt_err *err)
{
	*t = (struct tail){ .dir_fd = -1, .lock_fd = -1 };
	watch_init(&t->watch);
	mt_buf_init(&t->redis_password, 1);
	mt_trouble_init(&t->spool_trouble);
	mt_trouble_init(&t->state_trouble);
	t->since = mt_clock_now();
	if (use_options(t, conf, err) != MT_OK || open_spool(t, err) != MT_OK)
		return err->rc;
	if (needs_state(t, err)) {
		if (open_state(t, err) != MT_OK)
			return err->rc;
		load_state(t);
	}
	if (add_sources(t, err) != MT_OK)
		return err->rc;
	t->unsaved = true;
	return MT_OK;
}

void
setup_end(struct tail *t)
{
	size_t i;

	for (i = 0; i < t->n_sources; i++)
		source_free(t->sources[i]);
	t->n_sources = 0;
	mt_spool_close(t->spool);
	watch_done(&t->watch);
	mt_tailed_done(&t->before);
	mt_ignore_free(t->ignore);
	mt_secret_done(&t->redis_password);
	mt_trouble_done(&t->spool_trouble);
	mt_trouble_done(&t->state_trouble);
	if (t->lock_fd >= 0)
		(void)close(t->lock_fd);
	if (t->dir_fd >= 0)
		(void)close(t->dir_fd);
	mt_free(t->zone);
	mt_conf_unref(t->conf);
}

static void
print_state(const struct tail *t, struct mt_tailed *state)
{
	size_t i;

	state->since = t->since;
	for (i = 0; i < t->n_sources; i++)
		source_save(
		    t->sources[i], mt_tailed_add(state, t->sources[i]->name));
}

void
setup_save(struct tail *t)
{
	struct mt_tailed state = { .n = 0 };
	struct mt_err err;

	if (!t->unsaved || t->dir_fd < 0)
		return;
	print_state(t, &state);
	if (mt_tailed_write(t->dir_fd, &state, &err) == MT_OK) {
		t->unsaved = false;
		mt_trouble_good(&t->state_trouble);
	} else if (mt_trouble_on(&t->state_trouble, err.sys)) {
		mt_log(MT_LOG_WARNING,
		    "state_dir: %s; going on, a restart will read more twice",
		    err.msg);
	}
	mt_tailed_done(&state);
}

/* The options and what is made of them; the rest stays where it is. */
static void
exchange(struct tail *t, struct tail *fresh)
{
	mt_spool_close(t->spool);
	mt_ignore_free(t->ignore);
	mt_free(t->zone);
	mt_conf_unref(t->conf);
	t->spool = fresh->spool;
	t->ignore = fresh->ignore;
	t->zone = fresh->zone;
	t->conf = fresh->conf;
	t->options = fresh->options;
	t->redis = fresh->redis;
	t->endpoint = fresh->endpoint;
	t->full = false;
}

static bool
is_named(struct mt_str words, const char *name)
{
	struct mt_str word;

	while (next_word(&words, &word))
		if (mt_str_eqz(word, name))
			return true;
	return false;
}

/*
 * A stream goes on where it is; whatever is remembered begins again there, with
 * another reader and without what was not recorded yet.
 */
static void
end_sources(struct tail *t, struct mt_str words)
{
	struct mt_err err;
	struct source *s;
	size_t i, n = 0;

	for (i = 0; i < t->n_sources; i++) {
		s = t->sources[i];
		if (!s->kind->remembers && is_named(words, s->name) &&
		    source_read_anew(s, &err) == MT_OK)
			t->sources[n++] = s;
		else
			source_free(s);
	}
	t->n_sources = n;
}

static void
begin_sources(struct tail *t, struct mt_str words)
{
	struct mt_str word;
	struct mt_err err;

	while (next_word(&words, &word))
		if (!has_source(t, word) && add_source(t, word, &err) != MT_OK)
			mt_log(MT_LOG_ERR, "%s; going on without it", err.msg);
}

enum mt_rc
setup_again(struct tail *t, struct mt_err *err)
{
	struct tail fresh = { .dir_fd = -1, .lock_fd = -1 };
	struct mt_conf *conf = mt_program_reload();
	struct mt_buf words;

	if (conf == NULL)
		return MT_OK;
	if (use_options(&fresh, conf, err) != MT_OK ||
	    open_spool(&fresh, err) != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err->msg);
		mt_ignore_free(fresh.ignore);
		mt_free(fresh.zone);
		mt_conf_unref(fresh.conf);
		mt_conf_unref(conf);
		return MT_OK;
	}
	mt_conf_unref(conf);
	setup_save(t);
	mt_tailed_done(&t->before);
	print_state(t, &t->before);
	t->before.at = mt_clock_now();
	t->rebooted = false;
	exchange(t, &fresh);
	mt_buf_init(&words, WORDS_MAX);
	if (setup_words(t->options, &words, err) == MT_OK) {
		end_sources(t, mt_buf_view(&words));
		begin_sources(t, mt_buf_view(&words));
	}
	mt_buf_done(&words);
	t->unsaved = true;
	if (t->n_sources == 0)
		return mt_fail(err, MT_CONFIG, "log: names nothing to read");
	return MT_OK;
}
