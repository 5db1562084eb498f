/* SPDX-License-Identifier: BSD-2-Clause */
#include "callbacks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mark.h"
#include "message.h"
#include "server.h"
#include "wire.h"

#define TRIPLE 3 /* body, inserts and what is held for the answer */

/*
 * A chunk of this size is followed by more. A shorter one comes with the end
 * of the message, and to skip that would keep libmilter from telling us of it.
 */
#define CHUNK 65535

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY)
/*
 * No answers where we have nothing to say; each spares the mail server a wait.
 * A body chunk has one, so that the rest of a body can be declined.
 */
#define STEPS \
	(SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_SKIP | SMFIP_HDR_LEADSPC | \
	    SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | \
	    SMFIP_NR_HDR | SMFIP_NR_EOH)

struct connection {
	struct milter_server *server;
	unsigned long actions;
	unsigned long steps;
	struct milter_client client;
	struct milter_message message;
};

/*
 * libmilter hands nothing but its own context to the first callback of a
 * connection, so the server has to stand here; set once, before any thread.
 */
static struct milter_server *the_server;

static sfsistat
answer(const struct connection *c, unsigned long silent)
{
	return (c->steps & silent) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* The connection, entered; NULL: not ours to handle (any more). */
static struct connection *
enter(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL || !milter_server_enter(c->server))
		return NULL;
	return c;
}

static void
leave(const struct connection *c)
{
	milter_server_leave(c->server);
}

static void
end_message(struct connection *c)
{
	struct milter_message *m = &c->message;

	if (m->site == NULL)
		return;
	milter_server_discharge(c->server, m->charged);
	milter_message_begin(m, NULL);
	milter_server_end(c->server);
}

/*
 * Our own lists, whatever main.cf says. A stage without a list would get the
 * mail server's; NOTHING is a name nobody defines, so that its list is empty.
 */
#define NOTHING "{mailtrail_nothing}"

static void
set_macros(SMFICTX *ctx)
{
	static const struct {
		int where;
		const char *names;
	} lists[] = {
		{ SMFIM_CONNECT, "{daemon_name}" },
		{ SMFIM_HELO, NOTHING },
		{ SMFIM_ENVFROM, "{auth_authen}" },
		{ SMFIM_ENVRCPT, NOTHING },
		{ SMFIM_EOH, "i {auth_authen}" },
		{ SMFIM_EOM, NOTHING },
	};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		(void)smfi_setsymlist(
		    ctx, lists[i].where, mt_unconst(lists[i].names));
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *ret_actions,
    unsigned long *ret_steps, unsigned long *ret_f2, unsigned long *ret_f3)
{
	struct connection *c = mt_alloc(sizeof(*c));

	(void)f2;
	(void)f3;
	c->server = the_server;
	c->actions = actions & ACTIONS;
	c->steps = steps & STEPS;
	milter_client_init(&c->client);
	milter_message_init(&c->message);
	(void)smfi_setpriv(ctx, c);
	*ret_actions = c->actions;
	*ret_steps = c->steps;
	*ret_f2 = *ret_f3 = 0;
	if ((actions & SMFIF_SETSYMLIST) != 0) {
		*ret_actions |= SMFIF_SETSYMLIST;
		set_macros(ctx);
	}
	return SMFIS_CONTINUE;
}

static struct mt_ip
read_address(const _SOCK_ADDR *addr)
{
	struct mt_ip ip = { .family = 0 };
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (addr == NULL)
		return ip;
	if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		(void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
	} else if (addr->sa_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		(void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
	} else {
		return ip;
	}
	(void)mt_ip_read(mt_str(text), &ip);
	return ip;
}

static void
put(struct mt_buf *buf, const char *text)
{
	struct mt_str s = mt_str(text);

	mt_buf_reset(buf);
	mt_buf_add(buf, s.p, s.n < buf->max ? s.n : buf->max);
}

/* "unknown" and "[192.0.2.1]" are what stands for no verified name. */
static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
	struct connection *c = enter(ctx);

	if (c == NULL)
		return SMFIS_ACCEPT;
	c->client.ip = read_address(addr);
	if (name != NULL && name[0] != '[' && strcmp(name, "unknown") != 0)
		put(&c->client.name, name);
	put(&c->client.daemon,
	    smfi_getsymval(ctx, mt_unconst("{daemon_name}")));
	leave(c);
	return answer(c, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_ACCEPT;
	put(&c->client.helo, name);
	return answer(c, SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);
	struct milter_site *site;

	if (c == NULL)
		return SMFIS_ACCEPT;
	if (!milter_server_enter(c->server))
		return answer(c, SMFIP_NR_MAIL);
	end_message(c);
	site = milter_server_begin(c->server);
	if (site != NULL) {
		milter_message_begin(&c->message, site);
		milter_message_sender(&c->message, argv);
		milter_message_text(&c->message, TEXT_USER,
		    smfi_getsymval(ctx, mt_unconst("{auth_authen}")));
	}
	leave(c);
	return answer(c, SMFIP_NR_MAIL);
}

/*
 * Postfix asks milters about a recipient after its own restrictions have let
 * it pass (we do not ask for the rejected ones); a milter behind us may still
 * refuse it.
 */
static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_ACCEPT;
	if (c->message.site != NULL && argv[0] != NULL)
		milter_message_rcpt(&c->message, mt_str(argv[0]));
	return answer(c, SMFIP_NR_RCPT);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	static const char space[] = " ";
	struct connection *c = smfi_getpriv(ctx);
	struct mt_buf spaced;

	if (c == NULL)
		return SMFIS_ACCEPT;
	if (c->message.site == NULL)
		return answer(c, SMFIP_NR_HDR);
	if ((c->steps & SMFIP_HDR_LEADSPC) != 0) {
		milter_message_header(&c->message, mt_str(name), mt_str(value));
		return answer(c, SMFIP_NR_HDR);
	}
	mt_buf_init(&spaced, strlen(value) + 2);
	mt_buf_z(&spaced, space);
	mt_buf_z(&spaced, value);
	milter_message_header(&c->message, mt_str(name), mt_buf_view(&spaced));
	mt_buf_done(&spaced);
	return answer(c, SMFIP_NR_HDR);
}

static void
decide(SMFICTX *ctx, struct connection *c)
{
	struct milter_message *m = &c->message;

	m->size += 2; /* the empty line */
	milter_message_text(
	    m, TEXT_QUEUE_ID, smfi_getsymval(ctx, mt_unconst("i")));
	if (!m->given[TEXT_USER])
		milter_message_text(m, TEXT_USER,
		    smfi_getsymval(ctx, mt_unconst("{auth_authen}")));
	milter_decide(m, &c->client, c->actions == ACTIONS);
	if (m->reason == MT_reason_absent) {
		mt_buf_done(&m->body);
		mt_buf_init(&m->body, m->site->base->options->message_max);
	}
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_ACCEPT;
	if (c->message.site != NULL && milter_server_enter(c->server)) {
		decide(ctx, c);
		leave(c);
	}
	return answer(c, SMFIP_NR_EOH);
}

/* Keep a chunk, or the reason why not. */
static void
keep_chunk(struct connection *c, const unsigned char *p, size_t n)
{
	struct milter_message *m = &c->message;

	if (!milter_server_charge(
		c->server, n * TRIPLE, m->site->base->options->memory_max)) {
		m->reason = MT_reason_too_large;
	} else {
		m->charged += n * TRIPLE;
		mt_buf_add(&m->body, p, n);
		if (mt_buf_over(&m->body))
			m->reason = MT_reason_too_large;
	}
	if (m->reason == MT_reason_too_large) {
		milter_message_drop_body(m);
		milter_server_discharge(c->server, m->charged);
		m->charged = 0;
	}
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct connection *c = smfi_getpriv(ctx);
	struct milter_message *m;

	if (c == NULL)
		return SMFIS_ACCEPT;
	m = &c->message;
	if (m->site != NULL && milter_server_enter(c->server)) {
		m->size += n;
		if (m->reason == MT_reason_absent)
			keep_chunk(c, p, n);
		leave(c);
	}
	if ((m->site != NULL && m->reason == MT_reason_absent) ||
	    (c->steps & SMFIP_SKIP) == 0 || n < CHUNK)
		return SMFIS_CONTINUE;
	m->skipped = true;
	return SMFIS_SKIP;
}

static void
finish(SMFICTX *ctx, struct connection *c)
{
	struct milter_message *m = &c->message;
	bool leading_space = (c->steps & SMFIP_HDR_LEADSPC) != 0;

	milter_message_text(
	    m, TEXT_QUEUE_ID, smfi_getsymval(ctx, mt_unconst("i")));
	if (m->reason == MT_reason_absent)
		milter_mark(m);
	milter_apply(ctx, m, leading_space);
	if (!milter_record(m, &c->client, mt_clock_now()) && m->marked)
		milter_unmark(ctx, m, leading_space);
	milter_server_count(c->server, COUNT_OFFERS);
	if (m->marked)
		milter_server_count(c->server, COUNT_MARKED);
	end_message(c);
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct connection *c = enter(ctx);

	if (c == NULL)
		return SMFIS_CONTINUE;
	if (c->message.site != NULL)
		finish(ctx, c);
	leave(c);
	return SMFIS_CONTINUE;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *c = enter(ctx);

	if (c == NULL)
		return SMFIS_CONTINUE;
	end_message(c);
	leave(c);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);
	bool entered;

	if (c == NULL)
		return SMFIS_CONTINUE;
	(void)smfi_setpriv(ctx, NULL);
	entered = milter_server_enter(c->server);
	end_message(c);
	milter_message_done(&c->message);
	milter_client_done(&c->client);
	if (entered)
		leave(c);
	mt_free(c);
	return SMFIS_CONTINUE;
}

enum mt_rc
milter_callbacks_register(struct milter_server *server, struct mt_err *err)
{
	struct smfiDesc desc = {
		.xxfi_name = mt_unconst("mailtrail-milter"),
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	the_server = server;
	if (smfi_register(desc) != MI_SUCCESS)
		return mt_fail(
		    err, MT_CONFIG, "libmilter does not take our callbacks");
	return MT_OK;
}
