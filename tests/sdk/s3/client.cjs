// Drives storage by S3's protocol with the real AWS SDK for JavaScript. Arguments: the server's address, the access key's id, its secret.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { Readable } = require('node:stream');
const {
  S3Client,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

const [url, accessKeyId, secretAccessKey] = process.argv.slice(2);
const options = { endpoint: `${url}/storage/v1/s3`, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
const s3 = new S3Client(options);
const MIB = 1024 * 1024;
const bytesOf = async (answer) => Buffer.from(await answer.Body.transformToByteArray());

async function puts() {
  await s3.send(new CreateBucketCommand({ Bucket: 'js' }));
  const put = await s3.send(new PutObjectCommand({ Bucket: 'js', Key: "a b/ü!'()*.txt", Body: 'hello', ContentType: 'text/plain', Metadata: { mood: 'good' } }));
  assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
  assert.equal(put.ChecksumCRC32, 'NhCmhg==');
  const got = await s3.send(new GetObjectCommand({ Bucket: 'js', Key: "a b/ü!'()*.txt" }));
  assert.equal((await bytesOf(got)).toString(), 'hello');
  assert.deepEqual([got.ContentType, got.Metadata], ['text/plain', { mood: 'good' }]);
  const buckets = await s3.send(new ListBucketsCommand({}));
  assert.ok(buckets.Buckets.some((bucket) => bucket.Name === 'js'));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: 'js', Key: 'none' })), { name: 'NoSuchKey' });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket: 'js', Key: 'none' })), { name: 'NotFound' });
}

async function streams() {
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']) {
    const bytes = crypto.randomBytes(300_000);
    const body = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
    try {
      await s3.send(new PutObjectCommand({ Bucket: 'js', Key: 'stream', Body: body, ContentLength: bytes.length, ChecksumAlgorithm }));
    } catch (error) {
      // The library for it is a package of its own.
      if (ChecksumAlgorithm === 'CRC64NVME' && /crc64|crt/i.test(String(error))) continue;
      throw error;
    }
    const got = await s3.send(new GetObjectCommand({ Bucket: 'js', Key: 'stream', ChecksumMode: 'ENABLED' }));
    assert.ok((await bytesOf(got)).equals(bytes), ChecksumAlgorithm);
    assert.ok(got[`Checksum${ChecksumAlgorithm}`], ChecksumAlgorithm);
  }
}

async function uploadsInParts() {
  const bytes = crypto.randomBytes(13 * MIB);
  const upload = new Upload({ client: s3, params: { Bucket: 'js', Key: 'large', Body: Readable.from([bytes]) }, partSize: 5 * MIB, queueSize: 2 });
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  const got = await s3.send(new GetObjectCommand({ Bucket: 'js', Key: 'large' }));
  assert.ok((await bytesOf(got)).equals(bytes));
}

async function lists() {
  for (let at = 0; at < 5; at += 1) await s3.send(new PutObjectCommand({ Bucket: 'js', Key: `list/${at}`, Body: 'x' }));
  const keys = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket: 'js', Prefix: 'list/' })) {
    keys.push(...page.Contents.map((line) => line.Key));
  }
  assert.deepEqual(keys, ['list/0', 'list/1', 'list/2', 'list/3', 'list/4']);
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket: 'js', Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.equal(gone.Deleted.length, 5);
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket: 'js', Prefix: 'list/' }))).KeyCount, 0);
}

async function presigns() {
  const plain = new S3Client({ ...options, requestChecksumCalculation: 'WHEN_REQUIRED' });
  const put = await getSignedUrl(plain, new PutObjectCommand({ Bucket: 'js', Key: 'signed', ContentType: 'text/plain', Metadata: { a: 'b' } }), { expiresIn: 60 });
  const answer = await fetch(put, { method: 'PUT', body: 'by url', headers: { 'content-type': 'text/plain' } });
  assert.equal(answer.status, 200, await answer.text());
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'js', Key: 'signed' }), { expiresIn: 60 });
  const got = await fetch(get);
  assert.deepEqual([got.status, await got.text(), got.headers.get('x-amz-meta-a')], [200, 'by url', 'b']);
  assert.equal((await fetch(get.replace('/signed?', '/large?'))).status, 403);
}

async function main() {
  for (const step of [puts, streams, uploadsInParts, lists, presigns]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
