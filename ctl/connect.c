/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/mem.h"
#include "conf/secret.h"
#include "connect.h"

/* An empty buffer when the option is not set. */
static enum mt_rc
read_password(const char *option, struct mt_str file, struct mt_buf *out,
    struct mt_err *err)
{
	char *path;
	enum mt_rc rc;

	if (file.n == 0) {
		mt_buf_init(out, 0);
		return MT_OK;
	}
	path = mt_str_dup(file);
	rc = mt_secret_read(path, out, err);
	if (rc != MT_OK)
		mt_err_in(err, "%s", option);
	mt_free(path);
	return rc;
}

static struct mt_str
password_of(const struct mt_buf *secret)
{
	return secret->n > 0 ? mt_buf_view(secret) : (struct mt_str){ 0 };
}

void
ctl_db_place(const struct ctl_options *o, struct mt_buf *out)
{
	if (o->db_host.n > 0)
		mt_buf_printf(
		    out, "%.*s:%" PRIu64, MT_STR_ARG(o->db_host), o->db_port);
	else
		mt_buf_printf(out, "%.*s", MT_STR_ARG(o->db_socket));
	mt_buf_printf(out, ", database %.*s", MT_STR_ARG(o->db_name));
}

enum mt_rc
ctl_db_open(
    const struct ctl_options *o, struct mt_db **ret_db, struct mt_err *err)
{
	struct mt_db_options options = {
		.socket = o->db_socket,
		.host = o->db_host,
		.port = (unsigned)o->db_port,
		.name = o->db_name,
		.user = o->db_user,
		.timeout_ms = (unsigned)o->db_timeout_ms,
	};
	struct mt_buf secret;
	enum mt_rc rc;

	rc = read_password(
	    "db_password_file", o->db_password_file, &secret, err);
	if (rc != MT_OK)
		return rc;
	options.password = password_of(&secret);
	rc = mt_db_open(&options, ret_db, err);
	mt_secret_done(&secret);
	return rc;
}

enum mt_rc
ctl_streams_open(
    const struct ctl_options *o, struct ctl_streams *ret_s, struct mt_err *err)
{
	struct mt_redis_options options = {
		.user = o->redis_user,
		.stream = o->redis_stream,
		.group = o->redis_group,
		.timeout_ms = (unsigned)o->redis_timeout_ms,
	};
	enum mt_rc rc;
	size_t i, n = 0;

	ret_s->n = 0;
	rc = read_password("redis_password_file", o->redis_password_file,
	    &ret_s->password, err);
	if (rc != MT_OK)
		return rc;
	options.password = password_of(&ret_s->password);
	rc = mt_endpoints_read(
	    o->redis, ret_s->endpoints, MT_MAX_ENDPOINTS, &n, err);
	if (rc != MT_OK)
		mt_err_in(err, "redis");
	for (i = 0; rc == MT_OK && i < n; i++) {
		rc = mt_stream_open(&options, &ret_s->endpoints[i], "mailtrail",
		    &ret_s->streams[i], err);
		if (rc == MT_OK)
			ret_s->n = i + 1;
	}
	if (rc != MT_OK)
		ctl_streams_close(ret_s);
	return rc;
}

void
ctl_streams_close(struct ctl_streams *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		mt_stream_close(s->streams[i]);
	s->n = 0;
	mt_secret_done(&s->password);
}
