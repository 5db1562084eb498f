/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cascade: from a snapshot and a message's envelope to what may be done.
 *
 * Modes are off < anonymous < pseudonymous < identified. Each level (global,
 * domain, mailbox, header, hook, recipient) may say "set" (on, at most this),
 * "at most" or nothing. The most restrictive of all that was said holds; when
 * nothing was set, it is off. Inside a level the most specific subject counts:
 * address, then the address without its +extension, then @domain, then *.
 * The mailbox level asks for the envelope sender and for the SASL login, and
 * takes the more restrictive. A rule on_request is as set for a message that
 * asks (yes, anonymous) and else says nothing. The header's "no" is off,
 * "anonymous" is at most anonymous, "yes" restricts nothing. What a hook says
 * is one more such word: it can lower, and turn on what nobody spoke about.
 *
 * Recipients: the message has one body, so each recipient is judged with the
 * sender's levels and the most restrictive result holds; what is set for one
 * recipient turns nothing on for another. Consent denied is off; granted puts
 * aside the rules for @domain and *.
 *
 * Notice, notice_plain, quoted and pixel URL are those of the last of global,
 * domain, login's and sender's mailbox whose rule has one (whether or not the
 * rule's mode counts). A notice of the recipient level translates it: when
 * each recipient finds a rule there that has a notice, and all of them have
 * the same text, that is the notice; else the sender's stays.
 *
 * An address or login too long to be one is off: nobody could be asked.
 * Mail that was not submitted by one of our users is off (level direction);
 * without a snapshot all is off (level snapshot). It never fails.
 */
#ifndef MT_POLICY_CASCADE_H
#define MT_POLICY_CASCADE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/str.h"
#include "base/words.h"
#include "policy/snapshot.h"

struct mt_policy_rcpt {
	struct mt_str address; /* as in the envelope */
	/* What the recipient's own level said; absent: nothing. */
	enum mt_mode mode;
	struct mt_str rule; /* its subject; borrows from the snapshot */
};

/* One thing that was asked, for `mailtrail track explain`. */
struct mt_policy_step {
	enum mt_level level;
	struct mt_str asked; /* address, login, domain or header value */
	bool found;
	struct mt_policy_rule rule; /* of a rule that was found */
	enum mt_consent consent; /* of a consent that was found */
	bool counts; /* false: on_request and not requested, or put aside */
	bool sets; /* turns tracking on */
	enum mt_mode mode; /* most it allows; absent: all */
};

struct mt_policy_in {
	struct mt_str sender; /* envelope sender; empty: the null sender */
	struct mt_str user; /* SASL login; absent: not authenticated */
	bool submitted; /* by one of our users: authenticated or trusted */
	enum mt_request request; /* X-Mailtrail-Open */
	/*
	 * What a hook said, after the header and before the recipients; absent:
	 * nothing. As a rule that sets when hook_sets, else as one at_most.
	 */
	enum mt_mode hook;
	bool hook_sets;
	struct mt_policy_rcpt *rcpts; /* mode and rule are filled in */
	size_t rcpts_n;
	/* Called for every step, in order; NULL: nobody wants to know. */
	void (*explain)(void *arg, const struct mt_policy_step *step);
	void *arg;
};

/* Texts borrow from the snapshot. */
struct mt_policy_result {
	enum mt_mode mode; /* never absent */
	enum mt_level level; /* what decided; never absent */
	struct mt_str rule; /* subject of the rule that decided, or absent */
	struct mt_str notice; /* absent: the program's default */
	struct mt_str pixel_url; /* absent: the program's default */
	enum mt_answer notice_plain; /* absent: the program's default */
	enum mt_quotes quoted; /* absent: the program's default */
};

void mt_policy_decide(const struct mt_policy *policy,
    const struct mt_policy_in *in, struct mt_policy_result *ret_result);
/*
 * A header value as a request: yes, no, anonymous in any case, white space
 * around it. Anything else is "no": who writes the header cares, and in doubt
 * nothing is tracked.
 */
enum mt_request mt_policy_request(struct mt_str value);
/* Of two fields of one message the more restrictive. */
enum mt_request mt_policy_request_join(enum mt_request a, enum mt_request b);

#endif
