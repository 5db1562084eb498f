/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every ceiling that more than one file needs, one line each with its reason.
 * docs/limits.md is made from these lines.
 */
#ifndef MT_BASE_LIMITS_H
#define MT_BASE_LIMITS_H

#define MT_MAX_ADDRESS 320 /* RFC 3696 erratum: 64 + 1 + 255 */
#define MT_MAX_HOST 255 /* RFC 1035 2.3.4 */
#define MT_MAX_QUEUE_ID 32 /* Postfix long ids have 15 to 20 characters */
#define MT_MAX_MESSAGE_ID 998 /* RFC 5322 2.1.1: one line */
#define MT_MAX_SUBJECT 998 /* RFC 5322 2.1.1: one line */
#define MT_MAX_TAG 128 /* a syslog tag: name, service, process, pid */
#define MT_MAX_REPLY 2000 /* what Postfix cuts a log line at */
#define MT_MAX_SYMBOLS 16000 /* rspamd symbols of one message, as JSON */
#define MT_MAX_TEXT 512 /* free text kept for people, such as a HELO */
#define MT_MAX_EVENT 65535 /* one encoded event; a spool record's payload */
#define MT_MAX_FIELDS 64 /* fields of one event, option file or row */
#define MT_MAX_CONF 262144 /* an option file */
#define MT_MAX_CONF_LINE 4096 /* one line of it */
#define MT_MAX_SECRET 4096 /* a password file */
#define MT_MAX_LOG_LINE 4096 /* one line we log; journald cuts at 48 KiB */
#define MT_MAX_URL 800 /* a pixel's URL; with its tag one line of RFC 5322 */
#define MT_MAX_NOTICE 2000 /* bytes of the notice that tells of the pixel */
#define MT_MAX_MARKUP \
	67108864 /* a body we look at; Postfix's default is 10 MB */
#define MT_MAX_HTML \
	16777216 /* the HTML part, decoded; readers clip at 100 kB */
#define MT_MAX_UNCLIPPED \
	92160 /* decoded HTML above: the pixel goes to the top */
#define MT_MAX_QUOTED 200 /* texts like a quoted pixel's token, looked at */
#define MT_MAX_QUOTED_TAG 4096 /* bytes of such a tag before its URL */
#define MT_MAX_EXTRA 1000 /* bytes of JSON that the hook adds to an offer */
#define MT_MAX_MIME_DEPTH 20 /* nested multiparts; real mail has under 10 */
#define MT_MAX_MIME_PARTS 10000 /* parts before the HTML one */
#define MT_MAX_BOUNDARY 200 /* RFC 2046 says 70; some senders write more */
#define MT_MAX_PART_PATH 128 /* "1.2": depth times five digits and a dot */
#define MT_MAX_CHARSET 64 /* RFC 2978 says 40 for a charset's name */
#define MT_MAX_REPORT 4194304 /* bytes of a report that are read: its start */
#define MT_MAX_REPORT_HEADER 1048576 /* of these, a returned header, coded */
#define MT_MAX_REPORT_RCPT 10000 /* recipients of a report */
#define MT_MAX_POLICY 268435456 /* a policy snapshot: two million rules */

#endif
