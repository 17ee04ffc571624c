/** Why no TLS connection was made, in words, by the codes of Node and OpenSSL. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
  CERT_NOT_YET_VALID: 'The certificate of the server is not valid yet; look at both clocks.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The server signed its certificate itself.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The certificate of the server was issued by an authority that is not known here.',
  UNABLE_TO_GET_ISSUER_CERT:
    'The certificate of the server was issued by an authority that is not known here.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'The certificate of the server was issued by an authority that is not known here.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'The server does not send the certificates between its own and an authority that is known here.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server was made for another host name.',
  HOSTNAME_MISMATCH: 'The certificate of the server was made for another host name.',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'The server speaks no TLS on this port; the URL may have to begin with http://.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'The server speaks no TLS on this port; the URL may have to begin with http://.',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'The server speaks only versions of TLS that are no longer safe.',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'The server speaks only versions of TLS that are no longer safe.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'The server asks for a certificate of the client.',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'Both sides have no way of encryption in common.',
  PIN_MISMATCH: 'The toolbox at this address holds another key than the one enrolled.',
}

export function tlsReason(code: string): string {
  return REASONS[code] ?? 'No trusted TLS connection could be made.'
}
