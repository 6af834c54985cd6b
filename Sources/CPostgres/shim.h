// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#pragma once
#include <libpq-fe.h>
#include <stddef.h>

/// Connects to what `url` says; what it leaves out comes from the environment (PGPASSWORD …), as libpq documents, and from the
/// defaults before it. Blocks for at most `seconds` for each address of the host, unless `url` says otherwise.
static inline PGconn *cpostgres_connect(const char *url, const char *seconds) {
    const char *const keywords[] = {
        "connect_timeout", "tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *const values[] = {seconds, "10000", "tollgate", url, "UTF8", NULL};
    return PQconnectdbParams(keywords, values, 1);
}

static inline void cpostgres_ignore_notice(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

/// libpq would print notices to standard error.
static inline void cpostgres_ignore_notices(PGconn *connection) {
    PQsetNoticeReceiver(connection, cpostgres_ignore_notice, NULL);
}

/// PG_DIAG_SQLSTATE is a character constant, which Swift cannot import.
static inline const char *cpostgres_sqlstate(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

/// What the server said, in one line.
static inline const char *cpostgres_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}
