import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, in files. */
export interface Identity {
  readonly certfile: string;
  readonly keyfile: string;
  readonly cert: string;
  readonly key: string;
}

const directory = mkdtempSync(join(tmpdir(), "asyncio-tls-"));
process.on("exit", () => rmSync(directory, { recursive: true }));

/** Whether there is no openssl to make certificates with. */
export const opensslSkip: false | string = hasOpenssl() ? false : "no openssl";

function hasOpenssl(): boolean {
  try {
    openssl("version");
    return true;
  } catch {
    return false;
  }
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
}

interface Request {
  /** Who signs it; itself if not given. */
  issuer?: Identity;
  names?: string;
  /** From when to when it counts, as days from now. */
  days?: number;
  extra?: readonly string[];
  /** Whether it may sign others. */
  signs?: boolean;
}

const made = new Map<string, Identity>();

/** Make a certificate, once for each name. */
function identity(
  name: string,
  { issuer, names = "DNS:localhost,IP:127.0.0.1", days = 2, extra = [], signs = false }: Request,
): Identity {
  const known = made.get(name);
  if (known !== undefined) return known;
  const [certfile, keyfile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyfile];
  const subject = ["-subj", `/CN=${name}`];
  if (issuer === undefined) {
    openssl(
      "req",
      "-x509",
      ...key,
      ...subject,
      "-days",
      `${days}`,
      "-addext",
      `subjectAltName=${names}`,
      ...extra,
      "-out",
      certfile,
    );
  } else {
    const request = join(directory, `${name}.csr`);
    const extensions = join(directory, `${name}.ext`);
    openssl("req", "-new", ...key, ...subject, "-out", request);
    writeFileSync(extensions, `subjectAltName=${names}\nbasicConstraints=CA:${signs}\n`);
    const signer = ["-CA", issuer.certfile, "-CAkey", issuer.keyfile, "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      request,
      ...signer,
      "-days",
      `${days}`,
      "-extfile",
      extensions,
      "-out",
      certfile,
    );
  }
  const result = {
    certfile,
    keyfile,
    cert: readFileSync(certfile, "utf8"),
    key: readFileSync(keyfile, "utf8"),
  };
  made.set(name, result);
  return result;
}

export const authority = () => identity("authority", { names: "DNS:authority" });
export const localhost = () => identity("localhost", { issuer: authority() });
/** Signed by one that our authority has signed. */
export const grandchild = () => identity("grandchild", { issuer: intermediate() });
export const intermediate = () =>
  identity("intermediate", { issuer: authority(), names: "DNS:intermediate", signs: true });
export const client = () => identity("client", { issuer: authority(), names: "DNS:client" });
export const elsewhere = () => identity("elsewhere", { issuer: authority(), names: "DNS:elsewhere.test" });
export const selfSigned = () => identity("self-signed", {});
/** Signed by nobody that anybody knows. */
export const stranger = () =>
  identity("stranger", { issuer: identity("other-authority", { names: "DNS:other" }) });

/** It was over before it began. */
export const expired = () => identity("expired", { issuer: authority(), days: -1 });

/** A file with the key, encrypted. */
export function encrypted({ keyfile }: Identity, password: string): string {
  const file = `${keyfile}.encrypted`;
  openssl("pkey", "-in", keyfile, "-aes256", "-passout", `pass:${password}`, "-out", file);
  return file;
}

/** A file of its own. */
export function writeFile(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}
