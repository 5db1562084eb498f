/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sum.h"
#include "base/utf8.h"
#include "policy/layout.h"
#include "policy/snapshot.h"

struct builder {
	uint64_t seed;
	uint32_t slots;
	size_t texts_at; /* where the texts begin in the file */
	size_t entries_n;
	size_t entries_max;
	struct mt_policy_entry *entries; /* owned */
	uint32_t *slot; /* owned */
	struct mt_buf texts;
	struct mt_buf key;
};

static enum mt_rc
start(struct builder *b, size_t rows, struct mt_err *err)
{
	size_t fixed;

	*b = (struct builder){ .slots = 4, .entries_max = rows };
	mt_buf_init(&b->texts, MT_MAX_POLICY);
	mt_buf_init(&b->key, MT_MAX_ADDRESS + 1);
	if (rows > MT_MAX_POLICY / MT_POLICY_ENTRY)
		return mt_fail(err, MT_LIMIT, "%zu rules are too many", rows);
	while (b->slots < 2 * rows)
		b->slots *= 2;
	fixed = MT_POLICY_HEAD + (size_t)b->slots * MT_POLICY_SLOT +
	    rows * MT_POLICY_ENTRY;
	if (fixed > MT_MAX_POLICY)
		return mt_fail(err, MT_LIMIT, "%zu rules are too many", rows);
	b->entries = mt_alloc_array(rows + 1, sizeof(b->entries[0]));
	b->slot = mt_alloc_array(b->slots, sizeof(b->slot[0]));
	if (getrandom(&b->seed, sizeof(b->seed), 0) != (ssize_t)sizeof(b->seed))
		return mt_fail_sys(err, "getrandom");
	return MT_OK;
}

static void
finish(struct builder *b)
{
	mt_free(b->entries);
	mt_free(b->slot);
	mt_buf_done(&b->texts);
	mt_buf_done(&b->key);
}

/* A text's place; its offset is made absolute when all are known. */
static void
add_text(struct builder *b, struct mt_policy_entry *entry,
    enum mt_policy_text which, struct mt_str text)
{
	if (text.p == NULL)
		return;
	entry->off[which] = (uint32_t)(b->texts.n + 1);
	entry->len[which] = (uint32_t)text.n;
	mt_buf_str(&b->texts, text);
}

static struct mt_str
subject_of(const struct builder *b, const struct mt_policy_entry *entry)
{
	return mt_str_n(b->texts.p + entry->off[MT_POLICY_SUBJECT] - 1,
	    entry->len[MT_POLICY_SUBJECT]);
}

/* The free place of the key, or the entry that has it already. */
static struct mt_policy_entry *
find_place(struct builder *b, uint32_t hash, unsigned scope, uint32_t *ret_at)
{
	struct mt_policy_entry *entry;
	uint32_t at;

	for (at = hash & (b->slots - 1); b->slot[at] != 0;
	     at = (at + 1) & (b->slots - 1)) {
		entry = &b->entries[b->slot[at] - 1];
		if (entry->hash == hash && entry->scope == scope &&
		    mt_str_eq(subject_of(b, entry), mt_buf_view(&b->key)))
			return entry;
	}
	*ret_at = at;
	return NULL;
}

/* A new entry for b->key, or the one there is (*ret_new false). */
static struct mt_policy_entry *
take_entry(struct builder *b, unsigned scope, bool *ret_new)
{
	struct mt_policy_entry *entry;
	struct mt_str key = mt_buf_view(&b->key);
	uint32_t hash = mt_policy_hash(b->seed, scope, key);
	uint32_t at = 0;

	entry = find_place(b, hash, scope, &at);
	*ret_new = entry == NULL;
	if (entry != NULL)
		return entry;
	entry = &b->entries[b->entries_n++];
	entry->hash = hash;
	entry->scope = (uint8_t)scope;
	add_text(b, entry, MT_POLICY_SUBJECT, key);
	b->slot[at] = (uint32_t)b->entries_n;
	return entry;
}

static bool
clean(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return mt_utf8_clean(s);
}

/* The rule's subject as the snapshot holds it, in b->key. */
static bool
rule_key(struct builder *b, const struct mt_policy_rule *rule)
{
	struct mt_str s = rule->subject;

	mt_buf_reset(&b->key);
	if (mt_str_eqz(s, "*")) {
		mt_buf_c(&b->key, '*');
		return true;
	}
	if (rule->scope == MT_scope_global)
		return false;
	if (!mt_policy_key(s, &b->key) || mt_buf_over(&b->key) ||
	    !clean(mt_buf_view(&b->key)))
		return false;
	return rule->scope != MT_scope_domain ||
	    memchr(b->key.p, '@', b->key.n) == NULL;
}

static bool
url_valid(struct mt_str url)
{
	size_t i;

	if (url.n > MT_MAX_URL ||
	    (!mt_str_starts(url, "https://") && !mt_str_starts(url, "http://")))
		return false;
	for (i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return false;
	return true;
}

static enum mt_rc
check_rule(const struct mt_policy_rule *rule, struct mt_err *err)
{
	if (rule->kind == MT_kind_absent || rule->kind >= MT_kind_end)
		return mt_fail(err, MT_CONFIG, "has no kind");
	if (rule->mode == MT_mode_absent || rule->mode >= MT_mode_end)
		return mt_fail(err, MT_CONFIG, "has no mode");
	if (rule->notice_plain >= MT_answer_end)
		return mt_fail(
		    err, MT_CONFIG, "notice_plain is neither no nor yes");
	if (rule->quoted >= MT_quotes_end)
		return mt_fail(
		    err, MT_CONFIG, "quoted is neither leave nor remove");
	if (rule->scope == MT_scope_recipient &&
	    (rule->notice_plain != MT_answer_absent ||
		rule->quoted != MT_quotes_absent))
		return mt_fail(err, MT_CONFIG,
		    "notice_plain and quoted are for senders to say");
	if (rule->notice.n > MT_MAX_NOTICE)
		return mt_fail(err, MT_CONFIG,
		    "the notice is longer than %d bytes", MT_MAX_NOTICE);
	if (!mt_utf8_clean(rule->notice))
		return mt_fail(err, MT_CONFIG, "the notice is not UTF-8");
	if (rule->pixel_url.p != NULL && !url_valid(rule->pixel_url))
		return mt_fail(err, MT_CONFIG,
		    "the pixel URL is not an http or https URL of at most %d "
		    "characters",
		    MT_MAX_URL);
	return MT_OK;
}

static enum mt_rc
add_rule(
    struct builder *b, const struct mt_policy_rule *rule, struct mt_err *err)
{
	struct mt_policy_entry *entry;
	bool is_new;

	if (rule->scope == MT_scope_absent || rule->scope >= MT_scope_end)
		return mt_fail(err, MT_CONFIG, "has no scope");
	if (!rule_key(b, rule))
		return mt_fail(err, MT_CONFIG, "is no subject of this scope");
	if (check_rule(rule, err) != MT_OK)
		return err->rc;
	entry = take_entry(b, rule->scope, &is_new);
	if (!is_new)
		return mt_fail(err, MT_CONFIG, "there are two rules for it");
	entry->kind = (uint8_t)rule->kind;
	entry->mode = (uint8_t)rule->mode;
	entry->more = MT_POLICY_MORE(rule->notice_plain, rule->quoted);
	add_text(b, entry, MT_POLICY_NOTICE, rule->notice);
	add_text(b, entry, MT_POLICY_URL, rule->pixel_url);
	return MT_OK;
}

/* Of two statements about one address the refusal holds. */
static enum mt_rc
add_consent(struct builder *b, const struct mt_policy_consent *consent,
    struct mt_err *err)
{
	struct mt_policy_entry *entry;
	bool is_new;

	mt_buf_reset(&b->key);
	if (consent->state == MT_consent_absent ||
	    consent->state >= MT_consent_end)
		return mt_fail(err, MT_CONFIG, "has no state");
	if (!mt_policy_key(consent->subject, &b->key) || mt_buf_over(&b->key) ||
	    !clean(mt_buf_view(&b->key)))
		return mt_fail(err, MT_CONFIG, "is no address");
	entry = take_entry(b, MT_scope_absent, &is_new);
	if (is_new || consent->state == MT_consent_denied)
		entry->more = (uint8_t)consent->state;
	return MT_OK;
}

static enum mt_rc
add_all(struct builder *b, const struct mt_policy_source *source,
    struct mt_err *err)
{
	const struct mt_policy_rule *rule;
	const struct mt_policy_consent *consent;
	size_t i;

	for (i = 0; i < source->rules_n; i++) {
		rule = &source->rules[i];
		if (add_rule(b, rule, err) == MT_OK)
			continue;
		mt_err_in(err, "%s rule '%.*s'",
		    rule->scope < MT_scope_end ? mt_words_scope[rule->scope]
					       : "",
		    MT_STR_ARG(mt_utf8_cut(rule->subject, MT_MAX_ADDRESS)));
		return err->rc;
	}
	for (i = 0; i < source->consents_n; i++) {
		consent = &source->consents[i];
		if (add_consent(b, consent, err) == MT_OK)
			continue;
		mt_err_in(err, "consent of '%.*s'",
		    MT_STR_ARG(mt_utf8_cut(consent->subject, MT_MAX_ADDRESS)));
		return err->rc;
	}
	return MT_OK;
}

static void
write_head(
    const struct builder *b, int64_t created, size_t size, struct mt_buf *out)
{
	const char magic[] = MT_POLICY_MAGIC;
	uint8_t head[MT_POLICY_HEAD] = { 0 };

	memcpy(head, magic, sizeof(magic) - 1);
	mt_policy_put32(head + 8, MT_POLICY_VERSION);
	mt_policy_put32(head + 12, (uint32_t)b->entries_n);
	mt_policy_put64(head + 16, size);
	mt_policy_put64(head + 24, (uint64_t)created);
	mt_policy_put64(head + 32, b->seed);
	mt_policy_put32(head + 40, b->slots);
	mt_policy_put32(head + 44, (uint32_t)b->texts_at);
	mt_buf_add(out, head, sizeof(head));
}

static void
write_file(struct builder *b, int64_t created, struct mt_buf *out)
{
	uint8_t raw[MT_POLICY_ENTRY];
	size_t begin = out->n, i, k, size;

	b->texts_at = MT_POLICY_HEAD + (size_t)b->slots * MT_POLICY_SLOT +
	    b->entries_n * MT_POLICY_ENTRY;
	size = b->texts_at + b->texts.n + MT_POLICY_SUM;
	if (!mt_buf_reserve(out, size))
		return;
	write_head(b, created, size, out);
	for (i = 0; i < b->slots; i++) {
		mt_policy_put32(raw, b->slot[i]);
		mt_buf_add(out, raw, MT_POLICY_SLOT);
	}
	for (i = 0; i < b->entries_n; i++) {
		for (k = 0; k < MT_POLICY_TEXTS; k++)
			if (b->entries[i].off[k] != 0)
				b->entries[i].off[k] +=
				    (uint32_t)(b->texts_at - 1);
		mt_policy_entry_put(raw, &b->entries[i]);
		mt_buf_add(out, raw, sizeof(raw));
	}
	mt_buf_str(out, mt_buf_view(&b->texts));
	mt_policy_put32(raw, mt_sum(0, out->p + begin, out->n - begin));
	mt_buf_add(out, raw, MT_POLICY_SUM);
}

enum mt_rc
mt_policy_build(const struct mt_policy_source *source, struct mt_buf *out,
    struct mt_err *err)
{
	struct builder b;
	int64_t created = source->created;

	if (created == 0)
		created = mt_clock_now();
	err->rc = MT_OK;
	if (start(&b, source->rules_n + source->consents_n, err) != MT_OK ||
	    add_all(&b, source, err) != MT_OK)
		goto out;
	write_file(&b, created, out);
	if (mt_buf_over(&b.texts) || mt_buf_over(out))
		(void)mt_fail(err, MT_LIMIT, "snapshot: larger than %d bytes",
		    MT_MAX_POLICY);
out:
	finish(&b);
	return err->rc;
}

static enum mt_rc
write_all(int fd, struct mt_str bytes, const char *path, struct mt_err *err)
{
	ssize_t n;

	while (bytes.n > 0) {
		n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mt_fail_sys(err, "%s: write", path);
		bytes = mt_str_n(bytes.p + n, bytes.n - (size_t)n);
	}
	return MT_OK;
}

/* Sync the directory, so that the new name survives a power cut. */
static enum mt_rc
sync_dir(int dir, const char *path, struct mt_err *err)
{
	if (fsync(dir) != 0)
		return mt_fail_sys(err, "%s: fsync of its directory", path);
	return MT_OK;
}

static enum mt_rc
write_file_at(
    int fd, int dir, const char *path, struct mt_str bytes, struct mt_err *err)
{
	struct stat st;

	/* Readers have the directory's group; if we may not, they cannot be
	 * helped from here and will say what is wrong. */
	if (fstat(dir, &st) == 0 && fchown(fd, (uid_t)-1, st.st_gid) != 0)
		errno = 0;
	if (fchmod(fd, 0640) != 0)
		return mt_fail_sys(err, "%s: chmod", path);
	if (write_all(fd, bytes, path, err) != MT_OK)
		return err->rc;
	if (fsync(fd) != 0)
		return mt_fail_sys(err, "%s: fsync", path);
	return MT_OK;
}

/* The directory of path, for sync and group. */
static int
open_dir(const char *path)
{
	struct mt_str head, tail;
	char *dir;
	int fd;

	if (!mt_str_cut_last(mt_str(path), '/', &head, &tail))
		head = MT_LIT(".");
	else if (head.n == 0)
		head = MT_LIT("/");
	dir = mt_str_dup(head);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mt_free(dir);
	return fd;
}

static enum mt_rc
replace_file(const char *path, struct mt_str bytes, struct mt_err *err)
{
	struct mt_buf temp;
	int fd, dir;

	mt_buf_init(&temp, 4096);
	mt_buf_printf(&temp, "%s.XXXXXX", path);
	if ((dir = open_dir(path)) < 0 || mt_buf_over(&temp) ||
	    (fd = mkostemp(temp.p, O_CLOEXEC)) < 0) {
		(void)mt_fail_sys(err, "%s: cannot make a new file", path);
		goto out;
	}
	if (write_file_at(fd, dir, path, bytes, err) == MT_OK &&
	    rename(temp.p, path) != 0)
		(void)mt_fail_sys(err, "%s: rename", path);
	close(fd);
	if (err->rc != MT_OK)
		unlink(temp.p);
	else
		(void)sync_dir(dir, path, err);
out:
	if (dir >= 0)
		close(dir);
	mt_buf_done(&temp);
	return err->rc;
}

enum mt_rc
mt_policy_write(
    const char *path, const struct mt_policy_source *source, struct mt_err *err)
{
	struct mt_buf bytes;

	mt_buf_init(&bytes, MT_MAX_POLICY);
	if (mt_policy_build(source, &bytes, err) == MT_OK)
		(void)replace_file(path, mt_buf_view(&bytes), err);
	mt_buf_done(&bytes);
	return err->rc;
}
