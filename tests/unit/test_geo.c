/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "geo/geo.h"

#define COUNTRY "tests/data/geo/country.mmdb"
#define ASN "tests/data/geo/asn.mmdb"
#define FLAT "tests/data/geo/flat.mmdb"

static struct mt_geo_answer
ask(struct mt_geo *geo, const char *text)
{
	struct mt_ip ip = { .family = 0 };

	assert_true(*text == '\0' || mt_ip_read(mt_str(text), &ip));
	return mt_geo_find(geo, &ip);
}

static void
addresses_have_countries_and_networks(void **state)
{
	static const struct {
		const char *ip, *country;
		uint32_t asn;
	} cases[] = {
		{ "192.0.2.77", "AT", 64500 },
		{ "198.51.100.1", "NZ", 0 },
		{ "66.249.84.1", "", 15169 },
		{ "2001:db8:1::5", "IS", 64501 },
		{ "2001:db8:2::5", "", 0 },
		{ "10.0.0.1", "", 0 },
		{ "", "", 0 },
	};
	struct mt_geo_answer answer;
	struct mt_geo *geo;
	struct mt_err err;
	size_t i;

	(void)state;
	assert_int_equal(mt_geo_open(COUNTRY, ASN, &geo, &err), MT_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer = ask(geo, cases[i].ip);
		assert_string_equal(answer.country, cases[i].country);
		assert_int_equal(answer.asn, cases[i].asn);
	}
	mt_geo_close(geo);
}

static void
one_flat_file_answers_both(void **state)
{
	struct mt_geo_answer answer;
	struct mt_geo *geo;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_geo_open(FLAT, NULL, &geo, &err), MT_OK);
	answer = ask(geo, "203.0.113.9");
	assert_string_equal(answer.country, "SE");
	assert_int_equal(answer.asn, 64502);
	/* An IPv6 address in a tree of IPv4 only. */
	assert_string_equal(ask(geo, "2001:db8:1::5").country, "");
	mt_geo_close(geo);
}

static void
copy(const char *from, const char *to)
{
	char temp[256], bytes[8192];
	FILE *in = fopen(from, "rb"), *out;
	size_t n;

	assert_non_null(in);
	(void)snprintf(temp, sizeof(temp), "%s.new", to);
	out = fopen(temp, "wb");
	assert_non_null(out);
	n = fread(bytes, 1, sizeof(bytes), in);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(rename(temp, to), 0);
}

static void
files_come_change_and_go(void **state)
{
	char dir[] = "/tmp/mt_geo_XXXXXX", path[64], bad[64], message[128];
	struct mt_geo *geo = NULL;
	struct mt_err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/c.mmdb", dir);
	(void)snprintf(bad, sizeof(bad), "%s/bad", dir);
	(void)snprintf(message, sizeof(message), "%s: no such file", path);
	assert_int_equal(mt_geo_open(path, ASN, &geo, &err), MT_ABSENT);
	assert_string_equal(err.msg, message);
	/* The other file answers all the same. */
	assert_int_equal(ask(geo, "192.0.2.1").asn, 64500);
	assert_string_equal(ask(geo, "192.0.2.1").country, "");
	copy(COUNTRY, path);
	assert_int_equal(mt_geo_refresh(geo, &err), MT_OK);
	assert_string_equal(ask(geo, "192.0.2.1").country, "AT");
	copy(FLAT, path);
	assert_int_equal(mt_geo_refresh(geo, &err), MT_OK);
	assert_string_equal(ask(geo, "192.0.2.1").country, "");
	assert_string_equal(ask(geo, "203.0.113.1").country, "SE");
	/* What is no database does not push out the one that is. */
	copy("tests/data/geo/make", path);
	assert_int_equal(mt_geo_refresh(geo, &err), MT_FORMAT);
	assert_string_equal(ask(geo, "203.0.113.1").country, "SE");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mt_geo_refresh(geo, &err), MT_ABSENT);
	assert_string_equal(ask(geo, "203.0.113.1").country, "SE");
	mt_geo_close(geo);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mt_geo_find(NULL, &(struct mt_ip){ 4, { 0 } }).asn, 0);
	mt_geo_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_countries_and_networks),
		cmocka_unit_test(one_flat_file_answers_both),
		cmocka_unit_test(files_come_change_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
