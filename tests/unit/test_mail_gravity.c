/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/gravity.h"

/* Every word of the set has a place of its own, above that of none. */
static void
of_two_words_one_is_graver(void **state)
{
	int a, b;

	(void)state;
	for (a = 0; a < MT_status_end; a++)
		for (b = 0; b < MT_status_end; b++)
			assert_int_equal(mt_status_graver((enum mt_status)a,
					     (enum mt_status)b) +
				mt_status_graver(
				    (enum mt_status)b, (enum mt_status)a),
			    a != b);
	for (a = 1; a < MT_status_end; a++)
		assert_true(
		    mt_status_graver((enum mt_status)a, MT_status_absent));
}

static void
what_did_not_arrive_is_graver(void **state)
{
	(void)state;
	assert_true(mt_status_graver(MT_status_bounced, MT_status_deferred));
	assert_true(mt_status_graver(MT_status_deferred, MT_status_delivered));
	assert_true(mt_status_graver(MT_status_requeued, MT_status_delivered));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_two_words_one_is_graver),
		cmocka_unit_test(what_did_not_arrive_is_graver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
