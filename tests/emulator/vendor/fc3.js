// @alicloud/fc20230330 against Function Compute at ENDPOINT: prints what the function echo answers.
const { default: Client, InvokeFunctionRequest } = require('@alicloud/fc20230330');
const { Readable } = require('stream');

const client = new Client({
  endpoint: process.argv[2].replace('http://', ''), protocol: 'http', accessKeyId: 'testid', accessKeySecret: 'testsecret', regionId: 'cn-shanghai',
});

(async () => {
  const request = new InvokeFunctionRequest({ body: Readable.from([Buffer.from('{"a":"条码"}')]) });
  const answer = await client.invokeFunction('echo', request);
  const parts = [];
  for await (const part of answer.body) parts.push(part);
  console.log(JSON.stringify({ status: answer.statusCode, data: Buffer.concat(parts).toString() }));
})();
