/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers that shapes.def names; see shape.h. */
#ifndef MT_MAILLOG_READERS_H
#define MT_MAILLOG_READERS_H

#include "base/ip.h"
#include "maillog/shape.h"

mt_shape_reader mt_read_deliver;

mt_shape_reader mt_read_client;
mt_shape_reader mt_read_pickup;
mt_shape_reader mt_read_message_id;
mt_shape_reader mt_read_active;
mt_shape_reader mt_read_returned; /* word: the step */
mt_shape_reader mt_read_step; /* word: the step */
mt_shape_reader mt_read_notified; /* word: the step */
mt_shape_reader mt_read_lost;
mt_shape_reader mt_read_proxied;

mt_shape_reader mt_read_refusal; /* word: the action */
mt_shape_reader mt_read_milter; /* word: the action */
mt_shape_reader mt_read_milter_check;
mt_shape_reader mt_read_check; /* word: the action */
mt_shape_reader mt_read_postscreen;
mt_shape_reader mt_read_proxy_refusal;

mt_shape_reader mt_read_misconduct; /* word: the action */
mt_shape_reader mt_read_non_smtp;
mt_shape_reader mt_read_limit; /* word: the stage */
mt_shape_reader mt_read_screened_limit;

mt_shape_reader mt_read_sasl;
mt_shape_reader mt_read_login;
mt_shape_reader mt_read_password;

mt_shape_reader mt_read_matched;
mt_shape_reader mt_read_attempts;
mt_shape_reader mt_read_banning;
mt_shape_reader mt_read_unbanning;
mt_shape_reader mt_read_listed;
mt_shape_reader mt_read_fail2ban;

/* What several of them do. */

/* The line is about this address, when it is there. */
void mt_shape_about(struct mt_shaped *out, struct mt_str address);
/* "queued as 4dG2kQ2mzCzGd4" in a reply: the id; absent when there is none. */
struct mt_str mt_read_queued_as(struct mt_str reply);
/* A reject event of the line. */
struct mt_ev_reject *mt_reject_begin(const struct mt_shape_line *line,
    unsigned action, enum mt_judge judge, struct mt_shaped *out);
/* "RCPT": letters, dashes and slashes only. */
bool mt_read_stage(struct mt_str s, unsigned *ret_stage);
/* "[192.0.2.1]:4711", as postscreen names a client, from the front. */
bool mt_scan_screened(struct mt_str *s, struct mt_ip *ret_ip);
/* "PEER: SASL LOGIN authentication failed: ..." */
bool mt_read_sasl_text(struct mt_str s, struct mt_ev_auth *ret_auth);
/* "imap-login: ... (auth failed, 2 attempts in 3 secs): user=<u>, ..." */
bool mt_read_login_text(struct mt_str s, struct mt_ev_auth *ret_auth);

#endif
