// @alicloud/mns against the SMQ at ENDPOINT: every operation that it has; prints the names of those that succeeded.
const MNS = require('@alicloud/mns');

const client = new MNS('1234567890123456', {
  endpoint: process.argv[2], accessKeyId: 'testid', accessKeySecret: 'testsecret',
});
const body = (text) => Buffer.from(text).toString('base64');

(async () => {
  const done = [];
  const call = async (name, ...args) => {
    const answer = await client[name](...args);
    done.push(name);
    return answer.body;
  };
  await call('createQueue', 'q', { VisibilityTimeout: 30 });
  await call('setQueueAttributes', 'q', { VisibilityTimeout: 60 });
  await call('getQueueAttributes', 'q');
  await call('listQueue', '', 10, 'q');
  await call('sendMessage', 'q', { MessageBody: body('one') });
  await call('batchSendMessage', 'q', [{ MessageBody: body('two') }, { MessageBody: body('three') }]);
  await call('peekMessage', 'q');
  await call('batchPeekMessage', 'q', 16);
  const one = await call('receiveMessage', 'q', 1);
  const changed = await call('changeMessageVisibility', 'q', one.ReceiptHandle, 30);
  await call('deleteMessage', 'q', changed.ReceiptHandle);
  const rest = await call('batchReceiveMessage', 'q', 16, 1);
  await call('batchDeleteMessage', 'q', rest.map((message) => message.ReceiptHandle));
  await call('createTopic', 't', { MaximumMessageSize: 10240 });
  await call('setTopicAttributes', 't', { MaximumMessageSize: 20480 });
  await call('getTopicAttributes', 't');
  await call('listTopic', '', 10, 't');
  await call('publishMessage', 't', { MessageBody: 'published' });
  await call('deleteQueue', 'q');
  console.log(JSON.stringify(done));
})();
