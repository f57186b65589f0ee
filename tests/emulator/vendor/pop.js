// @alicloud/pop-core against the IoT API at ENDPOINT: lists a product's modules, creates one, and prints both answers.
const Core = require('@alicloud/pop-core');

const client = new Core({
  endpoint: process.argv[2], accessKeyId: 'testid', accessKeySecret: 'testsecret', apiVersion: '2018-01-20',
});
const call = (action, parameters) => client.request(action, { RegionId: 'cn-shanghai', ...parameters }, { method: 'POST' });

(async () => {
  const ProductKey = process.argv[3];
  const created = await call('CreateOTAModule', { ProductKey, ModuleName: 'fromNode', AliasName: '节点' });
  const listed = await call('ListOTAModuleByProduct', { ProductKey });
  console.log(JSON.stringify({ created, listed }));
})();
