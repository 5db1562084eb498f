/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include <maxminddb.h>

#include "base/mem.h"
#include "base/str.h"
#include "geo/geo.h"

#define FILES 2

struct file {
	char *path; /* owned; NULL: not configured */
	bool open;
	MMDB_s db;
	struct stat seen;
};

struct mt_geo {
	pthread_rwlock_t lock;
	struct file files[FILES];
};

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum mt_rc
open_file(const char *path, MMDB_s *ret_db, struct mt_err *err)
{
	int status = MMDB_open(path, MMDB_MODE_MMAP, ret_db);

	if (status == MMDB_SUCCESS)
		return MT_OK;
	if (status == MMDB_IO_ERROR || status == MMDB_FILE_OPEN_ERROR)
		return mt_fail(err, MT_SYSTEM, "%s: %s", path, strerror(errno));
	return mt_fail(err, MT_FORMAT, "%s: %s", path, MMDB_strerror(status));
}

/* Put the file that stands at the path now in place of the one we have. */
static enum mt_rc
refresh_file(struct mt_geo *geo, struct file *file, struct mt_err *err)
{
	struct stat st;
	MMDB_s db, old;
	bool had;

	if (file->path == NULL)
		return MT_OK;
	if (stat(file->path, &st) != 0)
		return errno == ENOENT
		    ? mt_fail(err, MT_ABSENT, "%s: no such file", file->path)
		    : mt_fail_sys(err, "%s", file->path);
	if (file->open && same_file(&st, &file->seen))
		return MT_OK;
	if (open_file(file->path, &db, err) != MT_OK)
		return err->rc;
	(void)pthread_rwlock_wrlock(&geo->lock);
	had = file->open;
	old = file->db;
	file->db = db;
	file->open = true;
	file->seen = st;
	(void)pthread_rwlock_unlock(&geo->lock);
	if (had)
		MMDB_close(&old);
	return MT_OK;
}

enum mt_rc
mt_geo_refresh(struct mt_geo *geo, struct mt_err *err)
{
	enum mt_rc rc = MT_OK;
	struct mt_err one;
	size_t i;

	for (i = 0; i < FILES; i++) {
		if (refresh_file(geo, &geo->files[i], &one) == MT_OK ||
		    rc != MT_OK)
			continue;
		*err = one;
		rc = one.rc;
	}
	return rc;
}

enum mt_rc
mt_geo_open(const char *country_path, const char *asn_path,
    struct mt_geo **ret_geo, struct mt_err *err)
{
	struct mt_geo *geo = mt_alloc(sizeof(*geo));

	(void)pthread_rwlock_init(&geo->lock, NULL);
	if (country_path != NULL)
		geo->files[0].path = mt_dupz(country_path);
	if (asn_path != NULL)
		geo->files[1].path = mt_dupz(asn_path);
	*ret_geo = geo;
	return mt_geo_refresh(geo, err);
}

void
mt_geo_close(struct mt_geo *geo)
{
	size_t i;

	if (geo == NULL)
		return;
	for (i = 0; i < FILES; i++) {
		if (geo->files[i].open)
			MMDB_close(&geo->files[i].db);
		mt_free(geo->files[i].path);
	}
	(void)pthread_rwlock_destroy(&geo->lock);
	mt_free(geo);
}

/* Where the makers of such files put the two answers. */
static const char *const country_at[][3] = {
	{ "country", "iso_code", NULL }, /* GeoIP2, GeoLite2, DB-IP */
	{ "country_code", NULL, NULL }, /* ip-location-db, IPinfo */
	{ "registered_country", "iso_code", NULL },
};
static const char *const asn_at[][2] = {
	{ "autonomous_system_number", NULL }, /* GeoLite2, ip-location-db */
	{ "asn", NULL }, /* IPinfo: "AS15169" */
};

static void
read_country(MMDB_entry_s *entry, struct mt_geo_answer *answer)
{
	MMDB_entry_data_s data;
	size_t i;

	for (i = 0; i < sizeof(country_at) / sizeof(country_at[0]); i++) {
		if (MMDB_aget_value(entry, &data, country_at[i]) !=
			MMDB_SUCCESS ||
		    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
		    data.data_size != 2 || !mt_is_alpha(data.utf8_string[0]) ||
		    !mt_is_alpha(data.utf8_string[1]))
			continue;
		answer->country[0] =
		    (char)(mt_lower(data.utf8_string[0]) - 'a' + 'A');
		answer->country[1] =
		    (char)(mt_lower(data.utf8_string[1]) - 'a' + 'A');
		answer->country[2] = '\0';
		return;
	}
}

static uint32_t
number_of(const MMDB_entry_data_s *data)
{
	uint64_t n = 0;
	uint32_t i;

	if (!data->has_data)
		return 0;
	if (data->type == MMDB_DATA_TYPE_UINT32)
		return data->uint32;
	if (data->type == MMDB_DATA_TYPE_UINT16)
		return data->uint16;
	if (data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size < 3 ||
	    data->data_size > 12 || memcmp(data->utf8_string, "AS", 2) != 0)
		return 0;
	for (i = 2; i < data->data_size; i++) {
		if (!mt_is_digit(data->utf8_string[i]))
			return 0;
		n = n * 10 + (uint64_t)(data->utf8_string[i] - '0');
	}
	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void
read_asn(MMDB_entry_s *entry, struct mt_geo_answer *answer)
{
	MMDB_entry_data_s data;
	size_t i;

	for (i = 0; i < sizeof(asn_at) / sizeof(asn_at[0]); i++) {
		if (MMDB_aget_value(entry, &data, asn_at[i]) != MMDB_SUCCESS)
			continue;
		if ((answer->asn = number_of(&data)) != 0)
			return;
	}
}

static void
look_up(const struct file *file, const struct mt_ip *ip,
    struct mt_geo_answer *answer)
{
	MMDB_lookup_result_s found;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} sa = { .v6 = { 0 } };
	int status;

	if (!file->open)
		return;
	if (ip->family == 4) {
		sa.v4.sin_family = AF_INET;
		memcpy(&sa.v4.sin_addr, ip->b, 4);
	} else {
		if (file->db.metadata.ip_version == 4)
			return;
		sa.v6.sin6_family = AF_INET6;
		memcpy(&sa.v6.sin6_addr, ip->b, 16);
	}
	found = MMDB_lookup_sockaddr(&file->db, &sa.any, &status);
	if (status != MMDB_SUCCESS || !found.found_entry)
		return;
	if (answer->country[0] == '\0')
		read_country(&found.entry, answer);
	if (answer->asn == 0)
		read_asn(&found.entry, answer);
}

struct mt_geo_answer
mt_geo_find(struct mt_geo *geo, const struct mt_ip *ip)
{
	struct mt_geo_answer answer = { .asn = 0 };
	size_t i;

	if (geo == NULL || ip->family == 0)
		return answer;
	(void)pthread_rwlock_rdlock(&geo->lock);
	for (i = 0; i < FILES; i++)
		look_up(&geo->files[i], ip, &answer);
	(void)pthread_rwlock_unlock(&geo->lock);
	return answer;
}
