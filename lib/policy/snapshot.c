/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sum.h"
#include "policy/layout.h"
#include "policy/snapshot.h"

struct mt_policy {
	atomic_uint refs;
	uint8_t *bytes; /* owned */
	size_t n;
	uint64_t seed;
	int64_t created;
	uint32_t slots_n;
	uint32_t entries_n;
	const uint8_t *slots;
	const uint8_t *entries;
	size_t texts_at;
};

static struct mt_str
text_of(const struct mt_policy *policy, const struct mt_policy_entry *entry,
    enum mt_policy_text which)
{
	if (entry->off[which] == 0)
		return mt_str(NULL);
	return mt_str_n(
	    (const char *)policy->bytes + entry->off[which], entry->len[which]);
}

static const uint8_t *
raw_entry(const struct mt_policy *policy, uint32_t i)
{
	return policy->entries + (size_t)i * MT_POLICY_ENTRY;
}

/* The number of the entry, entries_n when there is none. */
static uint32_t
find(const struct mt_policy *policy, unsigned scope, struct mt_str subject,
    struct mt_policy_entry *ret_entry)
{
	uint32_t hash = mt_policy_hash(policy->seed, scope, subject);
	uint32_t mask = policy->slots_n - 1;
	uint32_t at, n, probes;

	at = hash & mask;
	for (probes = 0; probes < policy->slots_n; probes++) {
		n = mt_policy_get32(
		    policy->slots + (size_t)at * MT_POLICY_SLOT);
		if (n == 0)
			break;
		mt_policy_entry_get(raw_entry(policy, n - 1), ret_entry);
		if (ret_entry->hash == hash && ret_entry->scope == scope &&
		    mt_str_eq(
			text_of(policy, ret_entry, MT_POLICY_SUBJECT), subject))
			return n - 1;
		at = (at + 1) & mask;
	}
	return policy->entries_n;
}

bool
mt_policy_find_rule(const struct mt_policy *policy, enum mt_scope scope,
    struct mt_str subject, struct mt_policy_rule *ret_rule)
{
	struct mt_policy_entry entry;

	if (find(policy, scope, subject, &entry) == policy->entries_n)
		return false;
	*ret_rule = (struct mt_policy_rule){
		.scope = (enum mt_scope)entry.scope,
		.subject = text_of(policy, &entry, MT_POLICY_SUBJECT),
		.kind = (enum mt_kind)entry.kind,
		.mode = (enum mt_mode)entry.mode,
		.notice = text_of(policy, &entry, MT_POLICY_NOTICE),
		.pixel_url = text_of(policy, &entry, MT_POLICY_URL),
		.notice_plain =
		    (enum mt_answer)MT_POLICY_MORE_PLAIN(entry.more),
		.quoted = (enum mt_quotes)MT_POLICY_MORE_QUOTED(entry.more),
	};
	return true;
}

enum mt_consent
mt_policy_find_consent(const struct mt_policy *policy, struct mt_str subject)
{
	struct mt_policy_entry entry;

	if (find(policy, MT_scope_absent, subject, &entry) == policy->entries_n)
		return MT_consent_absent;
	return (enum mt_consent)entry.more;
}

/* What is said at the very start: enough to know whose file it is. */
static enum mt_rc
check_start(const uint8_t *p, size_t n, struct mt_err *err)
{
	uint32_t version;
	uint64_t size;

	if (n < MT_POLICY_HEAD + MT_POLICY_SUM)
		return mt_fail(err, MT_FORMAT, "is only %zu bytes long", n);
	if (memcmp(p, MT_POLICY_MAGIC, 8) != 0)
		return mt_fail(err, MT_FORMAT, "is not a policy snapshot");
	version = mt_policy_get32(p + 8);
	if (version > MT_POLICY_VERSION)
		return mt_fail(err, MT_FORMAT,
		    "version %" PRIu32 " is newer than ours (%d)", version,
		    MT_POLICY_VERSION);
	if (version != MT_POLICY_VERSION)
		return mt_fail(
		    err, MT_FORMAT, "version %" PRIu32 " is unknown", version);
	size = mt_policy_get64(p + 16);
	if (size != n)
		return mt_fail(err, MT_FORMAT,
		    "has %zu bytes and should have %" PRIu64, n, size);
	if (mt_sum(0, p, n - MT_POLICY_SUM) !=
	    mt_policy_get32(p + n - MT_POLICY_SUM))
		return mt_fail(err, MT_FORMAT, "its checksum is wrong");
	return MT_OK;
}

static enum mt_rc
check_layout(struct mt_policy *policy, struct mt_err *err)
{
	const uint8_t *p = policy->bytes;
	uint64_t created = mt_policy_get64(p + 24);
	uint64_t entries_at;

	policy->entries_n = mt_policy_get32(p + 12);
	policy->created = (int64_t)created;
	policy->seed = mt_policy_get64(p + 32);
	policy->slots_n = mt_policy_get32(p + 40);
	policy->texts_at = mt_policy_get32(p + 44);
	if (created > (uint64_t)MT_TIME_MAX)
		return mt_fail(err, MT_FORMAT, "its time is none");
	if (policy->slots_n == 0 ||
	    (policy->slots_n & (policy->slots_n - 1)) != 0 ||
	    policy->slots_n <= policy->entries_n)
		return mt_fail(err, MT_FORMAT, "its table has a wrong size");
	entries_at =
	    MT_POLICY_HEAD + (uint64_t)policy->slots_n * MT_POLICY_SLOT;
	if (policy->texts_at + MT_POLICY_SUM > policy->n ||
	    entries_at + (uint64_t)policy->entries_n * MT_POLICY_ENTRY !=
		policy->texts_at)
		return mt_fail(err, MT_FORMAT, "its tables do not fit");
	policy->slots = p + MT_POLICY_HEAD;
	policy->entries = p + entries_at;
	return MT_OK;
}

static bool
words_valid(const struct mt_policy_entry *entry)
{
	if (entry->scope == MT_scope_absent)
		return entry->kind == 0 && entry->mode == 0 &&
		    entry->more > 0 && entry->more < MT_consent_end;
	return entry->scope < MT_scope_end && entry->kind > 0 &&
	    entry->kind < MT_kind_end && entry->mode > 0 &&
	    entry->mode < MT_mode_end &&
	    MT_POLICY_MORE_PLAIN(entry->more) < MT_answer_end &&
	    MT_POLICY_MORE_QUOTED(entry->more) < MT_quotes_end;
}

static bool
texts_valid(const struct mt_policy *policy, const struct mt_policy_entry *entry)
{
	const uint32_t most[MT_POLICY_TEXTS] = {
		[MT_POLICY_SUBJECT] = MT_MAX_ADDRESS + 1,
		[MT_POLICY_NOTICE] = MT_MAX_NOTICE,
		[MT_POLICY_URL] = MT_MAX_URL,
	};
	size_t end = policy->n - MT_POLICY_SUM;
	size_t i;

	if (entry->len[MT_POLICY_SUBJECT] == 0)
		return false;
	for (i = 0; i < MT_POLICY_TEXTS; i++) {
		if (entry->off[i] == 0 && entry->len[i] == 0)
			continue;
		if (entry->len[i] > most[i] ||
		    entry->off[i] < policy->texts_at || entry->off[i] > end ||
		    end - entry->off[i] < entry->len[i])
			return false;
	}
	return true;
}

/* Every slot and entry, and that each entry is the one its subject finds. */
static enum mt_rc
check_tables(const struct mt_policy *policy, struct mt_err *err)
{
	struct mt_policy_entry entry, found;
	uint32_t i, n, used = 0;

	for (i = 0; i < policy->slots_n; i++) {
		n = mt_policy_get32(policy->slots + (size_t)i * MT_POLICY_SLOT);
		if (n > policy->entries_n)
			return mt_fail(
			    err, MT_FORMAT, "slot %" PRIu32 " is wrong", i);
		used += n != 0;
	}
	if (used != policy->entries_n)
		return mt_fail(err, MT_FORMAT, "its table is incomplete");
	for (i = 0; i < policy->entries_n; i++) {
		mt_policy_entry_get(raw_entry(policy, i), &entry);
		if (!words_valid(&entry) || !texts_valid(policy, &entry))
			return mt_fail(
			    err, MT_FORMAT, "entry %" PRIu32 " is wrong", i);
	}
	for (i = 0; i < policy->entries_n; i++) {
		mt_policy_entry_get(raw_entry(policy, i), &entry);
		if (find(policy, entry.scope,
			text_of(policy, &entry, MT_POLICY_SUBJECT),
			&found) != i)
			return mt_fail(err, MT_FORMAT,
			    "entry %" PRIu32 " is out of place", i);
	}
	return MT_OK;
}

/* Takes the bytes, also on failure. */
static enum mt_rc
adopt(
    uint8_t *bytes, size_t n, struct mt_policy **ret_policy, struct mt_err *err)
{
	struct mt_policy *policy = mt_alloc(sizeof(*policy));

	atomic_init(&policy->refs, 1);
	policy->bytes = bytes;
	policy->n = n;
	if (check_start(bytes, n, err) != MT_OK ||
	    check_layout(policy, err) != MT_OK ||
	    check_tables(policy, err) != MT_OK) {
		mt_policy_unref(policy);
		return err->rc;
	}
	*ret_policy = policy;
	return MT_OK;
}

enum mt_rc
mt_policy_parse(
    struct mt_str bytes, struct mt_policy **ret_policy, struct mt_err *err)
{
	uint8_t *copy;

	if (bytes.n > MT_MAX_POLICY)
		return mt_fail(
		    err, MT_LIMIT, "is larger than %d bytes", MT_MAX_POLICY);
	copy = mt_alloc(bytes.n + 1);
	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	return adopt(copy, bytes.n, ret_policy, err);
}

static enum mt_rc
read_all(int fd, uint8_t *p, size_t n, struct mt_err *err)
{
	size_t at = 0;
	ssize_t got;

	while (at < n) {
		got = read(fd, p + at, n - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mt_fail_sys(err, "read");
		if (got == 0)
			return mt_fail(err, MT_FORMAT, "was cut while read");
		at += (size_t)got;
	}
	return MT_OK;
}

static enum mt_rc
read_file(int fd, struct mt_policy **ret_policy, struct mt_err *err)
{
	struct stat st;
	uint8_t *bytes;
	size_t n;

	if (fstat(fd, &st) != 0)
		return mt_fail_sys(err, "stat");
	if (!S_ISREG(st.st_mode))
		return mt_fail(err, MT_FORMAT, "is not a file");
	if (st.st_size > MT_MAX_POLICY)
		return mt_fail(
		    err, MT_LIMIT, "is larger than %d bytes", MT_MAX_POLICY);
	n = (size_t)st.st_size;
	bytes = mt_alloc(n + 1);
	if (read_all(fd, bytes, n, err) != MT_OK) {
		mt_free(bytes);
		return err->rc;
	}
	return adopt(bytes, n, ret_policy, err);
}

enum mt_rc
mt_policy_open(
    const char *path, struct mt_policy **ret_policy, struct mt_err *err)
{
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return mt_fail(
		    err, MT_ABSENT, "%s: there is no such file", path);
	if (fd < 0)
		return mt_fail_sys(err, "%s", path);
	if (read_file(fd, ret_policy, err) != MT_OK) {
		mt_err_in(err, "%s", path);
		close(fd);
		return err->rc;
	}
	close(fd);
	return MT_OK;
}

struct mt_policy *
mt_policy_ref(struct mt_policy *policy)
{
	if (policy != NULL)
		atomic_fetch_add(&policy->refs, 1);
	return policy;
}

void
mt_policy_unref(struct mt_policy *policy)
{
	if (policy == NULL || atomic_fetch_sub(&policy->refs, 1) != 1)
		return;
	mt_free(policy->bytes);
	mt_free(policy);
}

int64_t
mt_policy_created(const struct mt_policy *policy)
{
	return policy->created;
}

size_t
mt_policy_count(const struct mt_policy *policy)
{
	return policy->entries_n;
}
