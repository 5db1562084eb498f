/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "spool/keep.h"
#include "spool/state.h"

#define STATE_MAX (64u << 20) /* a spool of a terabyte in 16 MB segments */
#define FILE_NAME "ship.state"
#define WORDS 6

struct mt_state_endpoint *
mt_state_add_endpoint(struct mt_state *state)
{
	state->endpoints = mt_realloc_array(
	    state->endpoints, state->n + 1, sizeof(*state->endpoints));
	memset(&state->endpoints[state->n], 0, sizeof(*state->endpoints));
	return &state->endpoints[state->n++];
}

struct mt_state_segment *
mt_state_add_segment(struct mt_state_endpoint *e)
{
	e->segments =
	    mt_realloc_array(e->segments, e->n + 1, sizeof(*e->segments));
	memset(&e->segments[e->n], 0, sizeof(*e->segments));
	return &e->segments[e->n++];
}

void
mt_state_done(struct mt_state *state)
{
	size_t i;

	for (i = 0; i < state->n; i++)
		mt_free(state->endpoints[i].segments);
	mt_free(state->endpoints);
	*state = (struct mt_state){ .n = 0 };
}

static bool
read_nonce(struct mt_str s, unsigned char *ret_nonce)
{
	uint64_t byte;
	size_t i;

	if (s.n != (size_t)MT_NONCE * 2)
		return false;
	for (i = 0; i < MT_NONCE; i++) {
		if (!mt_keep_hex(mt_str_n(s.p + 2 * i, 2), &byte))
			return false;
		ret_nonce[i] = (unsigned char)byte;
	}
	return true;
}

static bool
read_id(struct mt_str s, struct mt_state_id *ret_id)
{
	struct mt_str ms, seq;

	return mt_str_cut(s, '-', &ms, &seq) &&
	    mt_num_read(ms, UINT64_MAX, &ret_id->ms) &&
	    mt_num_read(seq, UINT64_MAX, &ret_id->seq);
}

static bool
copy_word(struct mt_str s, char *out, size_t size)
{
	if (s.n >= size)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool
read_endpoint(const struct mt_str *w, struct mt_state_endpoint *e)
{
	return copy_word(w[1], e->name, sizeof(e->name)) &&
	    copy_word(mt_str_eqz(w[2], "-") ? mt_str("") : w[2], e->run_id,
		sizeof(e->run_id)) &&
	    mt_num_read(w[3], UINT64_MAX, &e->entries_added) &&
	    read_id(w[4], &e->marker);
}

static bool
read_segment(const struct mt_str *w, struct mt_state_segment *s)
{
	return mt_keep_hex(w[1], &s->id) && read_nonce(w[2], s->nonce) &&
	    mt_num_read(w[3], INT64_MAX, &s->sent) &&
	    mt_num_read(w[4], INT64_MAX, &s->acked) && read_id(w[5], &s->last);
}

static bool
read_line(struct mt_str line, struct mt_state *state)
{
	struct mt_state_endpoint *e;
	struct mt_str w[WORDS];
	size_t n = mt_keep_words(line, w, WORDS);

	if (n == 2 && mt_str_eqz(w[0], "boot"))
		return copy_word(w[1], state->boot, sizeof(state->boot));
	if (n == 5 && mt_str_eqz(w[0], "endpoint"))
		return read_endpoint(w, mt_state_add_endpoint(state));
	if (n != 6 || !mt_str_eqz(w[0], "segment") || state->n == 0)
		return false;
	e = &state->endpoints[state->n - 1];
	return read_segment(w, mt_state_add_segment(e));
}

static enum mt_rc
parse(struct mt_str text, struct mt_state *state, struct mt_err *err)
{
	struct mt_str line;
	unsigned number = 1;

	(void)mt_str_cut(text, '\n', &line, &text);
	if (!mt_str_eqz(line, "mailtrail-ship 1"))
		return mt_fail(
		    err, MT_FORMAT, "%s:1: unknown version", FILE_NAME);
	while (text.n > 0) {
		number++;
		(void)mt_str_cut(text, '\n', &line, &text);
		if (!read_line(line, state))
			return mt_fail(err, MT_FORMAT, "%s:%u: not understood",
			    FILE_NAME, number);
	}
	return MT_OK;
}

void
mt_state_boot(char out[MT_BOOT_ID + 1])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, out, MT_BOOT_ID);
		(void)close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
}

enum mt_rc
mt_state_read(int dir_fd, struct mt_state *ret_state, struct mt_err *err)
{
	struct mt_state state = { .n = 0 };
	struct mt_buf text;
	enum mt_rc rc;

	mt_buf_init(&text, STATE_MAX);
	rc = mt_keep_read(dir_fd, FILE_NAME, &text, &state.at, err);
	if (rc == MT_OK)
		rc = parse(mt_buf_view(&text), &state, err);
	mt_buf_done(&text);
	if (rc != MT_OK) {
		mt_state_done(&state);
		return rc;
	}
	*ret_state = state;
	return MT_OK;
}

static void
print_segment(const struct mt_state_segment *s, struct mt_buf *out)
{
	size_t i;

	mt_buf_printf(out, "segment %016" PRIx64 " ", s->id);
	for (i = 0; i < MT_NONCE; i++)
		mt_buf_printf(out, "%02x", s->nonce[i]);
	mt_buf_printf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 "-%" PRIu64 "\n",
	    s->sent, s->acked, s->last.ms, s->last.seq);
}

static void
print_state(const struct mt_state *state, struct mt_buf *out)
{
	const struct mt_state_endpoint *e;
	char boot[MT_BOOT_ID + 1];
	size_t i, j;

	mt_buf_z(out, "mailtrail-ship 1\n");
	mt_state_boot(boot);
	if (boot[0] != '\0')
		mt_buf_printf(out, "boot %s\n", boot);
	for (i = 0; i < state->n; i++) {
		e = &state->endpoints[i];
		mt_buf_printf(out,
		    "endpoint %s %s %" PRIu64 " %" PRIu64 "-%" PRIu64 "\n",
		    e->name, e->run_id[0] == '\0' ? "-" : e->run_id,
		    e->entries_added, e->marker.ms, e->marker.seq);
		for (j = 0; j < e->n; j++)
			print_segment(&e->segments[j], out);
	}
}

enum mt_rc
mt_state_write(int dir_fd, const struct mt_state *state, struct mt_err *err)
{
	struct mt_buf text;
	enum mt_rc rc;

	/* Not synced: a state of another boot says nothing anyway. */
	mt_buf_init(&text, STATE_MAX);
	print_state(state, &text);
	rc = mt_keep_write(dir_fd, FILE_NAME, &text, false, err);
	mt_buf_done(&text);
	return rc;
}
