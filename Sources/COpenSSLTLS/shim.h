// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Both sides of TLS in the shape Swift likes: OpenSSL's macros as functions, its error queue emptied before each
/// call that asks it, and no socket: bytes go in and come out through memory.

#pragma once
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Contexts.

/// Only HTTP/1.1 is spoken here: a client that offers protocols without it is told so (RFC 7301 §3.2).
static inline int toll_tls_choose_protocol(
    SSL *session, const unsigned char **chosen, unsigned char *length, const unsigned char *offered, unsigned offered_size, void *none
) {
    static const unsigned char ours[] = "\x08http/1.1";
    (void)session, (void)none;
    return SSL_select_next_proto((unsigned char **)chosen, length, ours, sizeof ours - 1, offered, offered_size) == OPENSSL_NPN_NEGOTIATED
        ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A context of our policy without a certificate; NULL when memory is short. Of TLS 1.2 only suites with forward secrecy and
/// authenticated encryption (RFC 9325 §4.2); no early data, which could be replayed; no renegotiation; no compression.
static inline SSL_CTX *toll_tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection holds no record buffers.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_early_data(context, 0);
    // Tickets carry the sessions (RFC 5077, RFC 8446 §4.6.1): nothing is kept here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"tollgate", 8);
    SSL_CTX_set_alpn_select_cb(context, toll_tls_choose_protocol, NULL);
    return context;
}

enum {
    toll_tls_fits = 0,
    toll_tls_no_certificate = 1,
    toll_tls_bad_chain = 2,
    toll_tls_no_key = 3,
    toll_tls_other_key = 4,
    /// Too weak for OpenSSL's security level.
    toll_tls_refused = 5,
};

/// Keys under a password cannot be used: nobody is there to type it.
static inline int toll_tls_no_password(char *buffer, int size, int writes, void *none) {
    (void)buffer, (void)size, (void)writes, (void)none;
    return -1;
}

static inline int toll_tls_use(SSL_CTX *context, X509 *leaf, BIO *rest, EVP_PKEY *key) {
    if (!leaf) return toll_tls_no_certificate;
    if (SSL_CTX_use_certificate(context, leaf) != 1) return toll_tls_refused;
    ERR_clear_error();
    for (X509 *next; (next = PEM_read_bio_X509(rest, NULL, toll_tls_no_password, NULL));)
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return toll_tls_refused;
        }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return toll_tls_bad_chain;
    if (!key) return toll_tls_no_key;
    if (X509_check_private_key(leaf, key) != 1) return toll_tls_other_key;
    return SSL_CTX_use_PrivateKey(context, key) == 1 ? toll_tls_fits : toll_tls_refused;
}

/// Gives a context its certificate, with the intermediate ones behind it, and its key: PEM both.
static inline int toll_tls_load(SSL_CTX *context, const void *chain, int chain_size, const void *key, int key_size) {
    BIO *certificates = BIO_new_mem_buf(chain, chain_size), *keys = BIO_new_mem_buf(key, key_size);
    X509 *leaf = certificates ? PEM_read_bio_X509_AUX(certificates, NULL, toll_tls_no_password, NULL) : NULL;
    EVP_PKEY *private_key = keys ? PEM_read_bio_PrivateKey(keys, NULL, toll_tls_no_password, NULL) : NULL;
    int status = toll_tls_use(context, leaf, certificates, private_key);
    X509_free(leaf);
    EVP_PKEY_free(private_key);
    BIO_free(certificates);
    BIO_free(keys);
    ERR_clear_error();
    return status;
}

/// When the context's certificate ends, in seconds since 1970.
static inline int64_t toll_tls_expiry(SSL_CTX *context) {
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(SSL_CTX_get0_certificate(context)));
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

/// Whether the context's certificate is good for a name, or for an address (RFC 9110 §4.3.4).
static inline int toll_tls_covers(SSL_CTX *context, const char *name, int is_address) {
    X509 *certificate = SSL_CTX_get0_certificate(context);
    return is_address ? X509_check_ip_asc(certificate, name, 0) == 1 : X509_check_host(certificate, name, 0, 0, NULL) == 1;
}

/// Gives the session the first context, of a list that ends with NULL, that covers the name which the client asks for
/// (RFC 6066 §3); without one, the list's first.
static inline int toll_tls_choose_context(SSL *session, int *alert, void *contexts) {
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    SSL_CTX **first = (SSL_CTX **)contexts;
    (void)alert;
    for (SSL_CTX **one = first; name && *one; one++)
        if (toll_tls_covers(*one, name, 0)) {
            SSL_set_SSL_CTX(session, *one);
            return SSL_TLSEXT_ERR_OK;
        }
    SSL_set_SSL_CTX(session, *first);
    return SSL_TLSEXT_ERR_NOACK;
}

/// Has the context's sessions choose among others, which must live as long as it.
static inline void toll_tls_set_choice(SSL_CTX *context, void *contexts) {
    SSL_CTX_set_tlsext_servername_callback(context, toll_tls_choose_context);
    SSL_CTX_set_tlsext_servername_arg(context, contexts);
}

// A client's contexts.

/// A context whose sessions verify their servers: by the authorities in a PEM file, or the system's for NULL. NULL when there are none
/// to be read, or memory is short.
static inline SSL_CTX *toll_tls_client_context(const char *authorities) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int read = authorities ? SSL_CTX_load_verify_file(context, authorities) : SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();
    if (read == 1 && !SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9)) return context;
    SSL_CTX_free(context);
    return NULL;
}

// Sessions.

enum {
    toll_tls_closed = 0,
    /// More bytes are needed first.
    toll_tls_again = -1,
    toll_tls_failed = -2,
};

/// A server's session, that waits for its client's hello; NULL when memory is short.
static inline SSL *toll_tls_session(SSL_CTX *context) {
    SSL *session = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!session || !in || !out) {
        SSL_free(session);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    SSL_set_bio(session, in, out);
    SSL_set_accept_state(session);
    return session;
}

/// A session that greets a server of this name, or address, and takes no certificate that is not good for it (RFC 9110 §4.3.4). NULL
/// when memory is short.
static inline SSL *toll_tls_client_session(SSL_CTX *context, const char *name, int is_address) {
    SSL *session = toll_tls_session(context);
    if (!session) return NULL;
    SSL_set_connect_state(session);
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name)
                         : SSL_set1_host(session, name) && SSL_set_tlsext_host_name(session, name);
    if (set == 1) return session;
    SSL_free(session);
    return NULL;
}

static inline int toll_tls_is_ready(SSL *session) { return SSL_is_init_finished(session); }

/// What is wrong with the server's certificate; NULL when nothing was found.
static inline const char *toll_tls_fault(SSL *session) {
    long result = SSL_get_verify_result(session);
    return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}

/// Gives the session what the other side has sent.
static inline int toll_tls_feed(SSL *session, const void *bytes, int size) {
    return BIO_write(SSL_get_rbio(session), bytes, size) == size;
}

/// Reads what is inside, shaking hands on the way. How many bytes, or why none.
static inline int toll_tls_read(SSL *session, void *buffer, int size) {
    ERR_clear_error();
    int count = SSL_read(session, buffer, size);
    if (count > 0) return count;
    switch (SSL_get_error(session, count)) {
    case SSL_ERROR_WANT_READ: return toll_tls_again;
    case SSL_ERROR_ZERO_RETURN: return toll_tls_closed;
    default: return toll_tls_failed;
    }
}

/// Encrypts. Only after the handshake.
static inline int toll_tls_write(SSL *session, const void *bytes, int size) {
    ERR_clear_error();
    return size == 0 || SSL_write(session, bytes, size) == size;
}

/// Says that nothing more comes. Not after a failure.
static inline void toll_tls_close(SSL *session) {
    ERR_clear_error();
    if (SSL_is_init_finished(session)) SSL_shutdown(session);
}

/// How many bytes are to be sent to the client.
static inline size_t toll_tls_pending(SSL *session) { return BIO_ctrl_pending(SSL_get_wbio(session)); }

static inline int toll_tls_take(SSL *session, void *buffer, int size) { return BIO_read(SSL_get_wbio(session), buffer, size); }
