import type { Koffi } from "./koffi.ts";

/** Where something of OpenSSL's is; 0 is nowhere. */
export type Pointer = number;

/** Memory, which is passed without copying. */
type Memory = ArrayBufferView | null;

/**
 * The functions of OpenSSL that we use, from the one that Node itself was built with: Node exports them for addons. Their
 * names and rules are OpenSSL's own. What they refuse is told by what they return, and by the thread's queue of errors.
 */
export interface Openssl {
  TLS_method(): Pointer;
  SSL_CTX_new(method: Pointer): Pointer;
  SSL_CTX_free(context: Pointer): void;
  SSL_CTX_ctrl(context: Pointer, command: number, argument: number, pointer: Pointer): number;
  SSL_CTX_set_options(context: Pointer, options: number): number;
  SSL_CTX_set_cipher_list(context: Pointer, ciphers: string): number;
  SSL_CTX_set_ciphersuites(context: Pointer, suites: string): number;
  SSL_CTX_use_certificate(context: Pointer, certificate: Pointer): number;
  SSL_CTX_use_PrivateKey(context: Pointer, key: Pointer): number;
  SSL_CTX_set_verify(context: Pointer, mode: number, callback: Pointer): void;
  SSL_CTX_set1_cert_store(context: Pointer, store: Pointer): void;
  SSL_CTX_add_client_CA(context: Pointer, certificate: Pointer): number;
  SSL_CTX_set_session_id_context(context: Pointer, id: Memory, length: number): number;
  SSL_CTX_set_alpn_protos(context: Pointer, protocols: Memory, length: number): number;

  X509_STORE_new(): Pointer;
  X509_STORE_free(store: Pointer): void;
  X509_STORE_add_cert(store: Pointer, certificate: Pointer): number;
  X509_free(certificate: Pointer): void;
  X509_verify_cert_error_string(code: number): string;
  /** The certificate in DER: its length, and where `at` points to memory, the bytes. */
  i2d_X509(certificate: Pointer, at: Memory): number;
  EVP_PKEY_free(key: Pointer): void;
  PEM_read_bio_X509_AUX(bio: Pointer, into: Pointer, callback: Pointer, passphrase: string | null): Pointer;
  PEM_read_bio_PrivateKey(bio: Pointer, into: Pointer, callback: Pointer, passphrase: string | null): Pointer;

  BIO_s_mem(): Pointer;
  BIO_new(method: Pointer): Pointer;
  BIO_new_mem_buf(memory: Memory, length: number): Pointer;
  BIO_up_ref(bio: Pointer): number;
  BIO_free(bio: Pointer): number;
  BIO_ctrl_pending(bio: Pointer): number;
  BIO_read(bio: Pointer, into: Memory, length: number): number;
  BIO_write(bio: Pointer, data: Memory, length: number): number;

  SSL_new(context: Pointer): Pointer;
  SSL_free(ssl: Pointer): void;
  SSL_ctrl(ssl: Pointer, command: number, argument: number, pointer: string | null): number;
  SSL_set_bio(ssl: Pointer, reading: Pointer, writing: Pointer): void;
  SSL_set_accept_state(ssl: Pointer): void;
  SSL_set_connect_state(ssl: Pointer): void;
  SSL_do_handshake(ssl: Pointer): number;
  SSL_read(ssl: Pointer, into: Memory, length: number): number;
  SSL_write(ssl: Pointer, data: Memory, length: number): number;
  SSL_shutdown(ssl: Pointer): number;
  SSL_get_error(ssl: Pointer, result: number): number;

  SSL_get_version(ssl: Pointer): string;
  SSL_get_verify_result(ssl: Pointer): number;
  SSL_get1_peer_certificate(ssl: Pointer): Pointer;
  SSL_get_peer_cert_chain(ssl: Pointer): Pointer;
  OPENSSL_sk_num(list: Pointer): number;
  SSL_session_reused(ssl: Pointer): number;
  SSL_get_finished(ssl: Pointer, into: Memory, length: number): number;
  SSL_get_peer_finished(ssl: Pointer, into: Memory, length: number): number;
  SSL_get0_alpn_selected(ssl: Pointer, at: Memory, length: Memory): void;
  SSL_export_keying_material(
    ssl: Pointer,
    into: Memory,
    length: number,
    label: string,
    labelLength: number,
    context: Memory,
    contextLength: number,
    useContext: number,
  ): number;
  SSL_get_current_cipher(ssl: Pointer): Pointer;
  SSL_CIPHER_get_name(cipher: Pointer): string;
  SSL_CIPHER_standard_name(cipher: Pointer): string;
  SSL_CIPHER_get_version(cipher: Pointer): string;

  ERR_clear_error(): void;
  ERR_peek_last_error(): number;
  ERR_reason_error_string(error: number): string | null;
  OpenSSL_version_num(): number;

  /** Where memory is. Whoever passes that on keeps the memory alive. */
  address(memory: ArrayBufferView): bigint;
  /** The bytes at an address that OpenSSL gave. */
  bytes(address: bigint, length: number): Buffer;
}

/** In C. A pointer is `uintptr_t`, which is a number here. */
const DECLARATIONS = `
uintptr_t TLS_method();
uintptr_t SSL_CTX_new(uintptr_t);
void SSL_CTX_free(uintptr_t);
intptr_t SSL_CTX_ctrl(uintptr_t, int, intptr_t, uintptr_t);
uint64_t SSL_CTX_set_options(uintptr_t, uint64_t);
int SSL_CTX_set_cipher_list(uintptr_t, const char *);
int SSL_CTX_set_ciphersuites(uintptr_t, const char *);
int SSL_CTX_use_certificate(uintptr_t, uintptr_t);
int SSL_CTX_use_PrivateKey(uintptr_t, uintptr_t);
void SSL_CTX_set_verify(uintptr_t, int, uintptr_t);
void SSL_CTX_set1_cert_store(uintptr_t, uintptr_t);
int SSL_CTX_add_client_CA(uintptr_t, uintptr_t);
int SSL_CTX_set_session_id_context(uintptr_t, const void *, unsigned int);
int SSL_CTX_set_alpn_protos(uintptr_t, const void *, unsigned int);
uintptr_t X509_STORE_new();
void X509_STORE_free(uintptr_t);
int X509_STORE_add_cert(uintptr_t, uintptr_t);
void X509_free(uintptr_t);
const char *X509_verify_cert_error_string(intptr_t);
int i2d_X509(uintptr_t, void *);
void EVP_PKEY_free(uintptr_t);
uintptr_t PEM_read_bio_X509_AUX(uintptr_t, uintptr_t, uintptr_t, const char *);
uintptr_t PEM_read_bio_PrivateKey(uintptr_t, uintptr_t, uintptr_t, const char *);
uintptr_t BIO_s_mem();
uintptr_t BIO_new(uintptr_t);
uintptr_t BIO_new_mem_buf(const void *, int);
int BIO_up_ref(uintptr_t);
int BIO_free(uintptr_t);
size_t BIO_ctrl_pending(uintptr_t);
int BIO_read(uintptr_t, void *, int);
int BIO_write(uintptr_t, const void *, int);
uintptr_t SSL_new(uintptr_t);
void SSL_free(uintptr_t);
intptr_t SSL_ctrl(uintptr_t, int, intptr_t, const char *);
void SSL_set_bio(uintptr_t, uintptr_t, uintptr_t);
void SSL_set_accept_state(uintptr_t);
void SSL_set_connect_state(uintptr_t);
int SSL_do_handshake(uintptr_t);
int SSL_read(uintptr_t, void *, int);
int SSL_write(uintptr_t, const void *, int);
int SSL_shutdown(uintptr_t);
int SSL_get_error(uintptr_t, int);
const char *SSL_get_version(uintptr_t);
intptr_t SSL_get_verify_result(uintptr_t);
uintptr_t SSL_get1_peer_certificate(uintptr_t);
uintptr_t SSL_get_peer_cert_chain(uintptr_t);
int OPENSSL_sk_num(uintptr_t);
int SSL_session_reused(uintptr_t);
size_t SSL_get_finished(uintptr_t, void *, size_t);
size_t SSL_get_peer_finished(uintptr_t, void *, size_t);
void SSL_get0_alpn_selected(uintptr_t, void *, void *);
int SSL_export_keying_material(uintptr_t, void *, size_t, const char *, size_t, const void *, size_t, int);
uintptr_t SSL_get_current_cipher(uintptr_t);
const char *SSL_CIPHER_get_name(uintptr_t);
const char *SSL_CIPHER_standard_name(uintptr_t);
const char *SSL_CIPHER_get_version(uintptr_t);
void ERR_clear_error();
uintptr_t ERR_peek_last_error();
const char *ERR_reason_error_string(uintptr_t);
uintptr_t OpenSSL_version_num();
`;

/** OpenSSL 3: before it, and in BoringSSL, which gives a number as well, some of this is another way. */
const OLDEST = 0x30000000;

/** Null where the process has not all of them: in Node without OpenSSL, or in Electron, which has BoringSSL. */
export function openssl(koffi: Koffi): Openssl | null {
  const library = koffi.load(null);
  try {
    const functions = Array.from(DECLARATIONS.matchAll(/^.*?(\w+)\(.*\);$/gm), ([declaration, name]) => {
      return [name, library.func(declaration.slice(0, -1))];
    });
    const found = {
      ...Object.fromEntries(functions),
      address: (memory) => koffi.address(memory),
      bytes: (address, length) => Buffer.from(new Uint8Array(koffi.view(address, length))),
    } as Openssl;
    return found.OpenSSL_version_num() >= OLDEST ? found : null;
  } catch {
    return null;
  }
}
