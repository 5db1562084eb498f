/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "maillog/early.h"
#include "maillog/maillog.h"
#include "maillog/prefix.h"
#include "maillog/shape.h"
#include "maillog/twins.h"

/* Postfix cuts at 2000 bytes; what lies beyond this is not looked at. */
#define MAX_READ 8192
/* Bytes of JSON that may have to be decoded; more is no log line. */
#define MAX_JSON 4194304
/* Bytes of a line that can be repeated. */
#define MAX_REPEATED 16384
#define MAX_SAMPLE 512

struct unknown {
	uint64_t lines;
	char *sample; /* owned; the first of them */
	size_t n;
};

struct mt_maillog {
	struct mt_maillog_options options;
	char *host;
	struct mt_when when;
	struct mt_shape_index *shapes;
	struct mt_twins twins;
	struct mt_early early;
	struct mt_buf json; /* decoded members of this line */
	struct mt_buf last; /* tag, pid, text of the line before, end to end */
	struct mt_prefix before; /* borrows from last; no tag: nothing */
	struct mt_shaped shaped;
	bool moment;
	unsigned again; /* of enum mt_maillog_again */
	unsigned keys; /* of this line */
	struct unknown unknown[MT_PROCESS_N];
};

/* Where one line goes. */
struct sending {
	mt_maillog_sink *sink;
	void *arg;
	struct mt_err *err;
};

enum mt_rc
mt_maillog_new(const struct mt_maillog_options *options,
    struct mt_maillog **ret_log, struct mt_err *err)
{
	struct mt_maillog *log;

	if (options->host.n == 0 || options->host.n > MT_MAX_HOST)
		return mt_fail(err, MT_CONFIG, "mail log: no host for events");
	log = mt_alloc(sizeof(*log));
	log->options = *options;
	log->host = mt_str_dup(options->host);
	log->options.host.p = log->host;
	mt_when_init(&log->when, options->zone);
	log->options.zone = log->when.zone;
	log->shapes = mt_shape_index_new();
	mt_twins_init(&log->twins);
	mt_early_init(&log->early);
	mt_buf_init(&log->json, MAX_JSON);
	mt_buf_init(&log->last, MAX_REPEATED);
	*ret_log = log;
	return MT_OK;
}

void
mt_maillog_free(struct mt_maillog *log)
{
	size_t i;

	if (log == NULL)
		return;
	for (i = 0; i < MT_PROCESS_N; i++)
		mt_free(log->unknown[i].sample);
	mt_when_done(&log->when);
	mt_shape_index_free(log->shapes);
	mt_twins_done(&log->twins);
	mt_early_done(&log->early);
	mt_buf_done(&log->json);
	mt_buf_done(&log->last);
	mt_free(log->host);
	mt_free(log);
}

/* Time, host, key and tag of an event; scan and notice do not come from here.
 */
static void
sign(const struct mt_shaped *shaped, struct mt_str host, int64_t at,
    uint64_t key, struct mt_str tag, union mt_event_any *ev)
{
	/* clang-format off */
#define SIGN(event) \
	ev->event.at = at; \
	ev->event.host = host; \
	ev->event.line = key
	/* clang-format on */
	switch ((int)shaped->id) {
	case MT_EV_deliver:
		SIGN(deliver);
		ev->deliver.tag = tag;
		break;
	case MT_EV_queue:
		SIGN(queue);
		ev->queue.tag = tag;
		break;
	case MT_EV_reject:
		SIGN(reject);
		ev->reject.tag = tag;
		break;
	case MT_EV_auth:
		SIGN(auth);
		ev->auth.tag = tag;
		break;
	case MT_EV_ban:
		SIGN(ban);
		break;
	default:
		break;
	}
#undef SIGN
}

static bool
is_ignored(const struct mt_maillog *log)
{
	size_t i;

	if (log->options.ignores == NULL)
		return false;
	for (i = 0; i < log->shaped.n_about; i++)
		if (log->options.ignores(
			log->options.ignores_arg, log->shaped.about[i]))
			return true;
	return false;
}

static void
count_unknown(struct unknown *u, struct mt_str text)
{
	if (u->lines++ > 0)
		return;
	u->n = text.n < MAX_SAMPLE ? text.n : MAX_SAMPLE;
	u->sample = mt_str_dup(mt_str_n(text.p, u->n));
}

/* The tag with its process id, as it stands in the line or put together. */
static struct mt_str
full_tag(const struct mt_prefix *p, char out[MT_MAX_TAG + 1])
{
	size_t n = p->tag.n < MT_MAX_TAG ? p->tag.n : MT_MAX_TAG;

	if (p->pid.p == NULL)
		return p->tag;
	memcpy(out, p->tag.p, n);
	if (n + p->pid.n + 2 <= MT_MAX_TAG) {
		out[n++] = '[';
		memcpy(out + n, p->pid.p, p->pid.n);
		n += p->pid.n;
		out[n++] = ']';
	}
	return mt_str_n(out, n);
}

static enum mt_rc
send_line(const struct mt_maillog *log, const struct mt_prefix *p,
    struct mt_str host, struct mt_str queue_id, uint64_t key,
    const struct sending *to)
{
	char tag[MT_MAX_TAG + 1];
	struct mt_ev_line ev = { .at = p->at,
		.host = host,
		.queue_id = queue_id,
		.line = key,
		.tag = full_tag(p, tag),
		.text = p->text };

	(void)log;
	return to->sink(to->arg, MT_EV_line, &ev, to->err);
}

/*
 * What was done to a message before the line `client` gave it a queue id: the
 * same events again, of that message, at that line's time.
 */
static enum mt_rc
send_early(struct mt_maillog *log, enum mt_process process,
    const struct mt_early_said *said, size_t n, const struct sending *to)
{
	const struct mt_ev_queue client = log->shaped.ev.queue;
	struct mt_ev_reject *ev = &log->shaped.ev.reject;
	struct mt_shape_line line;
	enum mt_rc rc = MT_OK;
	size_t i;

	for (i = 0; i < n && rc == MT_OK; i++) {
		mt_shape_line_init(&line, process, client.tag,
		    mt_str_n(said[i].text, said[i].n));
		if (mt_shape_read(log->shapes, &line, &log->shaped) == NULL ||
		    log->shaped.id != MT_EV_reject)
			continue;
		ev->at = client.at;
		ev->host = client.host;
		ev->line = said[i].key ^ MT_EARLY_AGAIN;
		ev->tag = client.tag;
		ev->queue_id = client.queue_id;
		rc = to->sink(to->arg, MT_EV_reject, ev, to->err);
	}
	return rc;
}

/* A line that has a tag: what it says goes to the sink. */
static enum mt_rc
read_line(struct mt_maillog *log, const struct mt_prefix *p,
    const struct sending *to, enum mt_maillog_kind *ret_kind)
{
	struct mt_str host = log->options.host_of_line && p->host.n > 0
	    ? p->host
	    : log->options.host;
	struct mt_str text = p->text;
	struct mt_shape_line line;
	enum mt_process process = mt_process_of(log->shapes, p->tag);
	const struct mt_early_said *early;
	size_t n_early = 0;
	bool known, kept, makes;
	uint64_t key = 0;
	enum mt_rc rc = MT_OK;

	*ret_kind = MT_MAILLOG_FOREIGN;
	if (process == MT_PROCESS_N)
		return MT_OK;
	if (text.n > MAX_READ)
		text.n = MAX_READ;
	mt_shape_line_init(&line, process, p->tag, text);
	known = mt_shape_read(log->shapes, &line, &log->shaped) != NULL;
	if (!known)
		count_unknown(&log->unknown[process], text);
	*ret_kind = MT_MAILLOG_IGNORED;
	if (is_ignored(log))
		return MT_OK;
	*ret_kind = known ? MT_MAILLOG_SILENT : MT_MAILLOG_UNKNOWN;
	kept = log->options.keep_lines && line.queue_id.p != NULL;
	makes = kept || log->shaped.id != MT_EV_N;
	if (makes)
		key = mt_twins_key(&log->twins, p->at, p->tag, p->pid, p->text);
	early = mt_early_line(&log->early, p->tag, p->pid, text, log->shaped.id,
	    &log->shaped.ev, key, &n_early);
	if (process == MT_PROCESS_master)
		mt_early_master(&log->early, text);
	if (!makes)
		return MT_OK;
	if (known)
		*ret_kind = MT_MAILLOG_EVENT;
	if (log->shaped.id != MT_EV_N) {
		sign(&log->shaped, host, p->at, key, p->tag, &log->shaped.ev);
		rc =
		    to->sink(to->arg, log->shaped.id, &log->shaped.ev, to->err);
	}
	if (rc == MT_OK && early != NULL)
		rc = send_early(log, process, early, n_early, to);
	if (rc == MT_OK && kept)
		rc = send_line(log, p, host, line.queue_id, key, to);
	log->keys++;
	return rc;
}

/* Remember a line that made events, should the next say that it came again. */
static void
remember(struct mt_maillog *log, const struct mt_prefix *p, bool made_events)
{
	struct mt_buf *b = &log->last;

	log->before.tag = mt_str(NULL);
	if (!made_events || p->tag.n + p->pid.n + p->text.n > MAX_REPEATED)
		return;
	mt_buf_reset(b);
	mt_buf_str(b, p->tag);
	mt_buf_str(b, p->pid);
	mt_buf_str(b, p->text);
	log->before = *p;
	log->before.host = mt_str(NULL);
	log->before.tag.p = b->p;
	if (p->pid.p != NULL)
		log->before.pid.p = b->p + p->tag.n;
	log->before.text.p = b->p + p->tag.n + p->pid.n;
}

/* The line before (or the one that is quoted), as often as is said. */
static enum mt_rc
read_repeats(struct mt_maillog *log, const struct mt_prefix *said,
    const struct sending *to, enum mt_maillog_kind *ret_kind)
{
	struct mt_prefix p = said->tag.p != NULL ? *said : log->before;
	enum mt_rc rc = MT_OK;
	unsigned i;

	*ret_kind = MT_MAILLOG_SILENT;
	if (p.tag.p == NULL)
		return MT_OK;
	p.at = said->at;
	p.host = said->host;
	for (i = 0; i < said->repeats && rc == MT_OK; i++)
		rc = read_line(log, &p, to, ret_kind);
	return rc;
}

/* As if it had not been read: it comes again. */
static void
forget_line(struct mt_maillog *log, int64_t last)
{
	log->when.last = last;
	for (; log->keys > 0; log->keys--)
		mt_twins_take_back(&log->twins);
	mt_early_take_back(&log->early);
	if (log->again != 0)
		mt_early_unmark(&log->early);
	log->again = 0;
}

enum mt_rc
mt_maillog_line(struct mt_maillog *log, struct mt_str line, int64_t now,
    mt_maillog_sink *sink, void *arg, enum mt_maillog_kind *ret_kind,
    struct mt_err *err)
{
	struct sending to = { .sink = sink, .arg = arg, .err = err };
	struct mt_prefix p;
	enum mt_maillog_kind kind = MT_MAILLOG_DAMAGED;
	int64_t was = log->when.last;
	enum mt_rc rc;

	log->moment = false;
	log->again = 0;
	log->keys = 0;
	if (!mt_prefix_read(
		&log->when, &log->json, log->options.frame, line, now, &p)) {
		remember(log, &p, false);
		*ret_kind = kind;
		return MT_OK;
	}
	/* What repeats the line before it is no place to begin at. */
	log->moment = p.at != log->when.last && p.tag.p != NULL;
	log->when.last = p.at;
	if (log->moment && mt_early_mark(&log->early, p.at))
		log->again = MT_MAILLOG_NEXT;
	if (p.repeats > 0) {
		rc = read_repeats(log, &p, &to, &kind);
	} else {
		rc = read_line(log, &p, &to, &kind);
		if (rc == MT_OK)
			remember(log, &p, kind == MT_MAILLOG_EVENT);
	}
	if (rc != MT_OK) {
		forget_line(log, was);
		return rc;
	}
	if (mt_early_settled(&log->early, p.at))
		log->again |= MT_MAILLOG_GOOD;
	*ret_kind = kind;
	return MT_OK;
}

int64_t
mt_maillog_at(const struct mt_maillog *log)
{
	return log->when.last;
}

bool
mt_maillog_moment(const struct mt_maillog *log)
{
	return log->moment;
}

unsigned
mt_maillog_again(const struct mt_maillog *log)
{
	return log->again;
}

void
mt_maillog_unknown(
    const struct mt_maillog *log, mt_maillog_count *count, void *arg)
{
	bool told[MT_PROCESS_N] = { false };
	unsigned i, most, n;

	for (n = 0; n < MT_PROCESS_N; n++) {
		most = MT_PROCESS_N;
		for (i = 0; i < MT_PROCESS_N; i++)
			if (!told[i] && log->unknown[i].lines > 0 &&
			    (most == MT_PROCESS_N ||
				log->unknown[i].lines >
				    log->unknown[most].lines))
				most = i;
		if (most == MT_PROCESS_N)
			return;
		told[most] = true;
		count(arg, mt_str(mt_process_name((enum mt_process)most)),
		    log->unknown[most].lines,
		    mt_str_n(log->unknown[most].sample, log->unknown[most].n));
	}
}
