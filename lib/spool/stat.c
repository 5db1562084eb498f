/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "spool/dir.h"
#include "spool/format.h"
#include "spool/stat.h"
#include "spool/state.h"

/* One segment: its size, and whether it is the one a state speaks of. */
struct look {
	uint64_t id;
	uint64_t size;
	bool readable;
	unsigned char nonce[MT_NONCE];
};

static void
look_at(int dir_fd, struct look *look, struct mt_spool_stat *stat)
{
	char name[MT_SEGMENT_NAME], head[MT_SEGMENT_HEAD];
	struct mt_err ignored;
	struct stat st;
	int64_t grown_at;
	ssize_t n;
	int fd;

	mt_segment_name(look->id, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return; /* shipped just now */
	stat->segments++;
	if (fd < 0 || fstat(fd, &st) != 0) {
		stat->damaged++;
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	look->size = (uint64_t)st.st_size;
	n = pread(fd, head, sizeof(head), 0);
	(void)close(fd);
	look->readable = n >= 0 &&
	    mt_segment_head_read(
		mt_str_n(head, (size_t)n), look->nonce, &ignored) == MT_OK;
	if (!look->readable)
		stat->damaged++;
	stat->bytes += look->size;
	grown_at =
	    (int64_t)st.st_mtim.tv_sec * MT_SECOND + st.st_mtim.tv_nsec / 1000;
	if (grown_at > stat->grown_at)
		stat->grown_at = grown_at;
	if (stat->oldest_at == 0)
		stat->oldest_at = (int64_t)look->id;
}

static const struct mt_state_segment *
find_segment(const struct mt_state_endpoint *e, const struct look *look)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (e->segments[i].id == look->id &&
		    memcmp(e->segments[i].nonce, look->nonce, MT_NONCE) == 0)
			return &e->segments[i];
	return NULL;
}

static void
add_endpoint(const struct mt_state_endpoint *e, const struct look *looks,
    size_t n, struct mt_spool_endpoint *ret)
{
	const struct mt_state_segment *s;
	uint64_t sent, acked;
	size_t i;

	*ret = (struct mt_spool_endpoint){ .endpoint = mt_dupz(e->name) };
	for (i = 0; i < n; i++) {
		if (!looks[i].readable)
			continue;
		s = find_segment(e, &looks[i]);
		sent = acked = MT_SEGMENT_HEAD;
		if (s != NULL) {
			acked = s->acked > acked ? s->acked : acked;
			sent = s->sent > acked ? s->sent : acked;
		}
		ret->sent += sent;
		if (looks[i].size > sent)
			ret->unsent += looks[i].size - sent;
		ret->unacked += sent - acked;
	}
}

static void
add_state(
    int dir_fd, const struct look *looks, size_t n, struct mt_spool_stat *stat)
{
	struct mt_state state;
	struct mt_err ignored;
	size_t i;

	if (mt_state_read(dir_fd, &state, &ignored) != MT_OK)
		return;
	stat->shipped = true;
	stat->shipped_at = state.at;
	stat->n = state.n;
	stat->endpoints = mt_alloc_array(state.n, sizeof(*stat->endpoints));
	for (i = 0; i < state.n; i++)
		add_endpoint(
		    &state.endpoints[i], looks, n, &stat->endpoints[i]);
	mt_state_done(&state);
}

static enum mt_rc
read_dir(int dir_fd, struct mt_spool_stat *stat, struct mt_err *err)
{
	struct mt_segment_list list;
	struct look *looks;
	size_t i;

	if (mt_lost_read(dir_fd, MT_LOST_FILE, &stat->lost, err) != MT_OK ||
	    mt_lost_read(dir_fd, MT_DAMAGE_FILE, &stat->damage, err) != MT_OK ||
	    mt_dir_list(dir_fd, &list, err) != MT_OK)
		return err->rc;
	stat->strange = list.strange;
	stat->damaged = list.bad;
	looks = mt_alloc_array(list.n + 1, sizeof(*looks));
	for (i = 0; i < list.n; i++) {
		looks[i].id = list.ids[i];
		look_at(dir_fd, &looks[i], stat);
	}
	add_state(dir_fd, looks, list.n, stat);
	mt_free(looks);
	mt_segment_list_done(&list);
	return MT_OK;
}

enum mt_rc
mt_spool_stat_read(
    const char *dir, struct mt_spool_stat *ret_stat, struct mt_err *err)
{
	struct mt_spool_stat stat = { .segments = 0 };
	enum mt_rc rc;
	int dir_fd;

	if (mt_dir_open(dir, &dir_fd, err) != MT_OK) {
		if (err->sys == ENOENT)
			err->rc = MT_ABSENT;
		return err->rc;
	}
	rc = read_dir(dir_fd, &stat, err);
	(void)close(dir_fd);
	if (rc != MT_OK) {
		mt_spool_stat_done(&stat);
		return rc;
	}
	*ret_stat = stat;
	return MT_OK;
}

void
mt_spool_stat_done(struct mt_spool_stat *stat)
{
	size_t i;

	for (i = 0; i < stat->n; i++)
		mt_free(stat->endpoints[i].endpoint);
	mt_free(stat->endpoints);
	*stat = (struct mt_spool_stat){ .segments = 0 };
}

bool
mt_spool_served(const char *dir)
{
	struct mt_err ignored;
	bool served = true;
	int dir_fd, fd;

	if (mt_dir_open(dir, &dir_fd, &ignored) != MT_OK)
		return true;
	fd = openat(dir_fd, "ship.lock", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		served = errno != ENOENT;
	else if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		served = false;
	if (fd >= 0)
		(void)close(fd);
	(void)close(dir_fd);
	return served;
}

static void
print_time(const char *name, int64_t at, struct mt_buf *out)
{
	char text[MT_TIME_LEN + 1];

	if (at == 0)
		return;
	mt_time_write(at, 'T', true, text);
	mt_buf_printf(out, "%s=%s\n", name, text);
}

void
mt_spool_stat_print(const struct mt_spool_stat *stat, struct mt_buf *out)
{
	size_t i;

	mt_buf_printf(out, "segments=%zu\nbytes=%" PRIu64 "\n", stat->segments,
	    stat->bytes);
	print_time("oldest", stat->oldest_at, out);
	print_time("last_append", stat->grown_at, out);
	mt_buf_printf(
	    out, "damaged=%zu\nstrange=%zu\n", stat->damaged, stat->strange);
	mt_buf_printf(out, "lost=%" PRIu64 "\nlost_bytes=%" PRIu64 "\n",
	    stat->lost.records, stat->lost.bytes);
	print_time("last_lost", stat->lost.at, out);
	if (stat->lost.at != 0)
		mt_buf_printf(out, "last_lost_why='%s'\n",
		    stat->lost.sys == 0 ? "spool full or event too long"
					: strerror((int)stat->lost.sys));
	mt_buf_printf(out, "passed_over=%" PRIu64 "\n", stat->damage.bytes);
	print_time("last_passed_over", stat->damage.at, out);
	if (!stat->shipped)
		mt_buf_z(out, "shipper=never\n");
	print_time("shipper", stat->shipped_at, out);
	for (i = 0; i < stat->n; i++)
		mt_buf_printf(out,
		    "endpoint=%s unsent=%" PRIu64 " unacked=%" PRIu64 "\n",
		    stat->endpoints[i].endpoint, stat->endpoints[i].unsent,
		    stat->endpoints[i].unacked);
}
