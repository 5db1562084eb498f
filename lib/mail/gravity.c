/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/gravity.h"

/* From the gravest; 0 is the last. */
static const unsigned char rank[MT_status_end] = {
	[MT_status_bounced] = 12,
	[MT_status_expired] = 11,
	[MT_status_rejected] = 10,
	[MT_status_filtered] = 9,
	[MT_status_deferred] = 8,
	[MT_status_held] = 7,
	[MT_status_queued] = 6,
	[MT_status_unknown] = 5,
	[MT_status_aborted] = 4,
	[MT_status_discarded] = 3,
	[MT_status_requeued] = 2,
	[MT_status_delivered] = 1,
};

bool
mt_status_graver(enum mt_status a, enum mt_status b)
{
	return rank[a] > rank[b];
}
