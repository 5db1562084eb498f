/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <errmsg.h>
#include <mysqld_error.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "db/inside.h"

/* Until the server has told; MariaDB's default is 16 MiB. */
#define LEAST_PACKET 1048576u
#define MAX_OPTION 4096

/*
 * What makes every session alike. max_error_count: a bulk insert reads the
 * warnings of all its rows.
 */
static const char session[] =
    "SET SESSION time_zone = '+00:00', autocommit = 1, "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "tx_isolation = 'READ-COMMITTED', max_error_count = 65535";

enum mt_rc
mt_db_class(unsigned number)
{
	switch (number) {
	case ER_DATA_TOO_LONG:
	case ER_WARN_DATA_OUT_OF_RANGE:
	case WARN_DATA_TRUNCATED:
	case ER_TRUNCATED_WRONG_VALUE:
	case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
	case ER_WRONG_VALUE_FOR_TYPE:
	case ER_BAD_NULL_ERROR:
	case ER_DATA_OUT_OF_RANGE:
	case ER_NO_PARTITION_FOR_GIVEN_VALUE:
	case ER_DUP_ENTRY:
	case ER_SIGNAL_EXCEPTION:
	case ER_CONSTRAINT_FAILED:
	case ER_NO_REFERENCED_ROW_2:
	case ER_TOO_BIG_ROWSIZE:
	case ER_CANNOT_CONVERT_CHARACTER:
	case ER_NET_PACKET_TOO_LARGE:
		return MT_FORMAT;
	case ER_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
	case ER_HOST_NOT_PRIVILEGED:
	case ER_ACCOUNT_HAS_BEEN_LOCKED:
	case ER_MUST_CHANGE_PASSWORD_LOGIN:
	case ER_BAD_DB_ERROR:
	case ER_NO_DB_ERROR:
	case ER_NO_SUCH_TABLE:
	case ER_BAD_TABLE_ERROR:
	case ER_BAD_FIELD_ERROR:
	case ER_KEY_DOES_NOT_EXISTS:
	case ER_NO_DEFAULT_FOR_FIELD: /* a column that is newer than we */
	case ER_PARSE_ERROR:
	case ER_SP_DOES_NOT_EXIST:
	case ER_WRONG_VALUE_COUNT_ON_ROW:
	case ER_NON_INSERTABLE_TABLE:
	case ER_VIEW_INVALID:
	case ER_BINLOG_STMT_MODE_AND_ROW_ENGINE:
	case CR_AUTH_PLUGIN_CANNOT_LOAD:
		return MT_CONFIG;
	default:
		return MT_AGAIN;
	}
}

enum mt_rc
mt_db_failed(struct mt_db *db, struct mt_err *err)
{
	return mt_fail(err, mt_db_class(mysql_errno(db->c)), "mariadb: %s (%u)",
	    mysql_error(db->c), mysql_errno(db->c));
}

enum mt_rc
mt_db_stmt_failed(MYSQL_STMT *stmt, struct mt_err *err)
{
	return mt_fail(err, mt_db_class(mysql_stmt_errno(stmt)),
	    "mariadb: %s (%u)", mysql_stmt_error(stmt), mysql_stmt_errno(stmt));
}

/* libmariadb counts in seconds, and 0 is for ever. */
static void
set_timeouts(MYSQL *c, unsigned timeout_ms)
{
	unsigned seconds = (timeout_ms + 999) / 1000;

	if (seconds == 0)
		return;
	mysql_optionsv(c, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_optionsv(c, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_optionsv(c, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
}

/* A NUL-terminated copy in pool; NULL when absent. */
static const char *
text(struct mt_buf *pool, struct mt_str s)
{
	size_t at = pool->n;

	if (s.p == NULL)
		return NULL;
	mt_buf_str(pool, s);
	mt_buf_c(pool, '\0');
	return pool->p + at;
}

static enum mt_rc
connect_to(struct mt_db *db, const struct mt_db_options *o, struct mt_buf *pool,
    struct mt_err *err)
{
	const char *host, *socket, *name, *user, *password;
	int protocol =
	    o->host.n > 0 ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;

	/* Room for all, so that the texts stay where they are. */
	(void)mt_buf_reserve(pool, MAX_OPTION);
	host = o->host.n > 0 ? text(pool, o->host) : NULL;
	socket = host == NULL ? text(pool, o->socket) : NULL;
	name = text(pool, o->name);
	user = text(pool, o->user);
	password = text(pool, o->password);
	if (mt_buf_over(pool))
		return mt_fail(err, MT_CONFIG,
		    "mariadb: options longer than %d bytes", MAX_OPTION);
	mysql_optionsv(db->c, MYSQL_OPT_PROTOCOL, &protocol);
	if (mysql_real_connect(db->c, host, user, password, name, o->port,
		socket, 0) == NULL) {
		enum mt_rc rc = mt_db_failed(db, err);

		mt_err_in(err, "%s", host != NULL ? host : socket);
		return rc;
	}
	return MT_OK;
}

static enum mt_rc
set_session(struct mt_db *db, struct mt_err *err)
{
	uint64_t packet;
	char *answer = NULL;

	if (mt_db_exec(db, "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin",
		err) != MT_OK ||
	    mt_db_exec(db, session, err) != MT_OK ||
	    mt_db_text(db, "SELECT @@max_allowed_packet", NULL, 0, &answer,
		err) != MT_OK)
		return err->rc;
	if (answer != NULL && mt_num_read(mt_str(answer), SIZE_MAX, &packet) &&
	    packet > LEAST_PACKET)
		db->packet = packet;
	mt_free(answer);
	return MT_OK;
}

enum mt_rc
mt_db_open(const struct mt_db_options *options, struct mt_db **ret_db,
    struct mt_err *err)
{
	struct mt_db *db = mt_alloc(sizeof(*db));
	struct mt_buf pool;
	enum mt_rc rc;

	db->packet = LEAST_PACKET;
	if ((db->c = mysql_init(NULL)) == NULL) {
		mt_free(db);
		return mt_fail(err, MT_SYSTEM, "mariadb: cannot begin");
	}
	set_timeouts(db->c, options->timeout_ms);
	mysql_optionsv(db->c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mt_buf_init(&pool, MAX_OPTION);
	rc = connect_to(db, options, &pool, err);
	mt_wipe(pool.p, pool.n);
	mt_buf_done(&pool);
	if (rc == MT_OK)
		rc = set_session(db, err);
	if (rc != MT_OK) {
		mt_db_close(db);
		return rc;
	}
	*ret_db = db;
	return MT_OK;
}

void
mt_db_break(struct mt_db *db)
{
	(void)mariadb_cancel(db->c);
}

void
mt_db_close(struct mt_db *db)
{
	if (db == NULL)
		return;
	mysql_close(db->c);
	mt_free(db);
}

enum mt_rc
mt_db_lock_wait(struct mt_db *db, unsigned seconds, struct mt_err *err)
{
	char sql[80];
	struct mt_buf b;
	enum mt_rc rc;

	mt_buf_init(&b, sizeof(sql));
	mt_buf_printf(&b, "SET SESSION lock_wait_timeout = %u", seconds);
	rc = mt_db_exec(db, b.p, err);
	mt_buf_done(&b);
	return rc;
}

enum mt_rc
mt_db_exec(struct mt_db *db, const char *sql, struct mt_err *err)
{
	MYSQL_RES *result;

	if (mysql_real_query(db->c, sql, strlen(sql)) != 0)
		return mt_db_failed(db, err);
	if ((result = mysql_store_result(db->c)) != NULL)
		mysql_free_result(result);
	else if (mysql_errno(db->c) != 0)
		return mt_db_failed(db, err);
	return MT_OK;
}

enum mt_rc
mt_db_text(struct mt_db *db, const char *sql, const struct mt_str *args,
    size_t n_args, char **ret_text, struct mt_err *err)
{
	struct mt_rows *rows = NULL;
	enum mt_rc rc;

	if (mt_rows_open(db, sql, args, n_args, &rows, err) != MT_OK)
		return err->rc;
	if ((rc = mt_rows_next(rows, err)) == MT_OK)
		*ret_text = mt_rows_text(rows, 0).p == NULL
		    ? NULL
		    : mt_str_dup(mt_rows_text(rows, 0));
	else if (rc == MT_ABSENT)
		*ret_text = NULL;
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

enum mt_rc
mt_db_lock(
    struct mt_db *db, const char *name, unsigned seconds, struct mt_err *err)
{
	struct mt_str args[2] = { mt_str(name) };
	struct mt_buf wait;
	char *got = NULL;
	enum mt_rc rc;

	mt_buf_init(&wait, 16);
	mt_buf_printf(&wait, "%u", seconds);
	args[1] = mt_buf_view(&wait);
	rc = mt_db_text(db, "SELECT GET_LOCK(CONCAT(DATABASE(), '.', ?), ?)",
	    args, 2, &got, err);
	mt_buf_done(&wait);
	if (rc == MT_OK && (got == NULL || strcmp(got, "1") != 0))
		rc = mt_fail(err, MT_AGAIN,
		    "lock '%s': held by another program for %u s", name,
		    seconds);
	mt_free(got);
	return rc;
}

void
mt_db_unlock(struct mt_db *db, const char *name)
{
	struct mt_str arg = mt_str(name);
	struct mt_err err = { MT_OK, 0, "" };
	char *freed = NULL;

	/* A connection that is gone has freed it already. */
	if (mt_db_text(db, "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.', ?))",
		&arg, 1, &freed, &err) == MT_OK)
		mt_free(freed);
}
