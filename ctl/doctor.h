/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mailtrail doctor`: steps along the way of a message, each of which says one
 * or more lines: ok, warn (works, but not as it should) or FAIL, with what was
 * found and, unless ok, what to do. A step looks and changes nothing; only the
 * pixel's step leaves an event behind, of a token that no message has.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <jansson.h>

#include "ctl.h"
#include "db/db.h"
#include "running.h"

enum ctl_health { CTL_OK, CTL_WARN, CTL_FAIL, CTL_HEALTHS };

/* Programs that are configured on this host. */
enum ctl_program {
	CTL_MILTER,
	CTL_TAIL,
	CTL_SHIP,
	CTL_COLLECTOR,
	CTL_PIXEL,
	CTL_FEED,
	CTL_PROGRAMS
};

struct ctl_doctor {
	struct ctl *c;
	json_t *json; /* instead of lines */
	const char *config_dir;
	const char *postfix_dir; /* NULL: Postfix's own default */
	size_t counts[CTL_HEALTHS];
	/* "name = value" lines of each program's options; owned, or NULL. */
	char *options[CTL_PROGRAMS];
	struct mt_db *db; /* NULL: could not be reached */
};

/* step: a word; remedy: NULL unless there is something to do. */
void ctl_doctor_say(struct ctl_doctor *d, enum ctl_health health,
    const char *step, const char *remedy, const char *fmt, ...) MT_PRINTF(5, 6);
/* Is there room in a directory, and may it be written at all? Says so if not.
 */
void ctl_doctor_room(struct ctl_doctor *d, enum ctl_health health,
    const char *step, const char *dir, uint64_t least, const char *remedy);
/* A program's option; absent when it is not set or the program not here. */
struct mt_str ctl_doctor_option(
    const struct ctl_doctor *d, enum ctl_program program, const char *name);
const char *ctl_doctor_program(enum ctl_program program); /* its name */
/* Its process with the option file that was looked at, if there is one. */
struct ctl_running ctl_doctor_running(
    const struct ctl_doctor *d, enum ctl_program program);

void ctl_doctor_programs(struct ctl_doctor *d);
void ctl_doctor_sockets(struct ctl_doctor *d);
void ctl_doctor_tail(struct ctl_doctor *d);
void ctl_doctor_feed(struct ctl_doctor *d);
void ctl_doctor_postfix(struct ctl_doctor *d);
void ctl_doctor_keys(struct ctl_doctor *d);
void ctl_doctor_spool(struct ctl_doctor *d);
void ctl_doctor_redis(struct ctl_doctor *d);
void ctl_doctor_mariadb(struct ctl_doctor *d);
void ctl_doctor_policy(struct ctl_doctor *d); /* after mariadb */
void ctl_doctor_pixel(struct ctl_doctor *d);

/* Says how far another clock is from ours, which was `now` meanwhile. */
void ctl_doctor_clock(
    struct ctl_doctor *d, const char *whose, int64_t theirs, int64_t now);

#endif
