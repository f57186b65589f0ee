// @alicloud/fc2 against Function Compute at ENDPOINT: prints what the function echo answers, at once and asynchronously.
const FC = require('@alicloud/fc2');

const client = new FC('1234567890123456', {
  endpoint: process.argv[2], accessKeyID: 'testid', accessKeySecret: 'testsecret', region: 'cn-shanghai',
});

(async () => {
  const answer = await client.invokeFunction('ota-modules', 'echo', '{"a":"条码"}');
  const later = await client.invokeFunction('ota-modules', 'echo', '{}', { 'x-fc-invocation-type': 'Async' });
  console.log(JSON.stringify({ data: answer.data, later: later.headers['x-fc-request-id'] !== undefined }));
})();
