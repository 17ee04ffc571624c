import 'reflect-metadata'
import { createHash, type KeyObject, webcrypto, X509Certificate } from 'node:crypto'
import { BasicConstraintsExtension, X509CertificateGenerator } from '@peculiar/x509'

/** An Ed25519 key with its self-signed certificate: TLS identity and signing key in one. Both PEM; the key is PKCS #8. */
export type Identity = { certificate: string; privateKey: string }

/** Dates carry no trust here (the key does), so they only have to be valid on machines with a wrong clock. */
const NOT_BEFORE = new Date('2000-01-01T00:00:00Z')
/** RFC 5280, section 4.1.2.5: the value for "no well-defined expiration". */
const NOT_AFTER = new Date('9999-12-31T23:59:59Z')

/** Makes a new key pair and certificate. `commonName` is for people only: letters, digits, dots, dashes. */
export async function createIdentity(commonName: string): Promise<Identity> {
  if (!/^[A-Za-z0-9.-]{1,64}$/.test(commonName)) throw new TypeError('Not usable as a common name.')
  const algorithm = { name: 'Ed25519' }
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${commonName}`,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      signingAlgorithm: algorithm,
      keys,
      extensions: [new BasicConstraintsExtension(true, 0, true)],
    },
    webcrypto as Crypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
  return { certificate: `${certificate.toString('pem')}\n`, privateKey }
}

/** The Ed25519 public key of a PEM certificate. Throws TypeError when it is no certificate or another kind of key. */
export function publicKeyOf(certificatePem: string): KeyObject {
  let key: KeyObject
  try {
    key = new X509Certificate(certificatePem).publicKey
  } catch {
    throw new TypeError('This is not a PEM certificate.')
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('The certificate holds no Ed25519 key.')
  return key
}

/** `sha256:<hex>` of the public key (DER, SubjectPublicKeyInfo): what is stored, shown and compared. */
export function publicKeyFingerprint(certificatePem: string): string {
  return fingerprintOfKey(publicKeyOf(certificatePem))
}

/** The same for a key object, as a TLS socket's peer certificate holds it. */
export function fingerprintOfKey(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(der).digest('hex')}`
}
