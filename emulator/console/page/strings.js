// What the page says, in English and in Chinese: the browser's language decides.

export const STRINGS = {
  en: {
    title: "ota-modules · local cloud", localCloud: "local cloud", skip: "Skip to the outcomes", connecting: "connecting", servers: "Where the servers are", onThisPage: "On this page",
    live: "live, up since {time}", lost: "lost; trying again",
    health: "Health", waiting: "{n} waiting", delayedOf: "{n} delayed", rate: "{n} outcomes/s", left: "about {time} left", noneLately: "no outcome in 10 s", lastError: "Last error",
    apiok: "API ok", apiquiet: "API not called yet", apifailing: "API failing", apidown: "API refuses connections", failedOf: "{n} of {calls} calls failed in 10 s", throttledOf: "{n} throttled",
    stream: "stream", Stream: "Stream", streamRunning: "running", streamPaused: "paused", streamReady: "stopped", "streamFailed to start": "failed to start",
    callsTitle: "Calls in the last second", callsHint: "one minute, against the API’s limit", failedInMinute: "{n} failed in this minute", throttledInMinute: "{n} throttled in this minute", peak: "peak {n}", chart: "{latest} calls in the last second, at most {peak} in this minute, limit {limit}",
    outcomes: "Outcomes", showOnly: "Show only these", search: "Search", searchOutcomes: "Search the outcomes", csv: "CSV", csvTitle: "Download what is shown as a table", time: "Time", status: "Status", productModule: "Product / module", note: "Note", tries: "Tries", latestFirst: "Outcomes, the latest first", noOutcome: "No outcome yet. Send a request, or run the tour: make run", noneLikeThat: "No matching outcomes.", newer: "newer", again: "again",
    all: "all", created: "created", existing: "existing", updated: "updated", rejected: "rejected", failed: "failed", unfinished: "unfinished",
    runs: "Runs", runBegan: "Began at {time}; show only its outcomes", answered: "{n} of {sent}",
    queues: "Queues", queue: "Queue", active: "Active", inFlightColumn: "In flight", delayed: "Delayed", actions: "Actions", requests: "Requests", deadLetters: "Dead letters", purge: "Purge", purgeQuestion: "Discard {messages} of {queue}? They cannot be brought back.", purged: "{messages} of {queue} discarded", cancel: "Cancel", question: "Question",
    inFlight: "in flight", delivered: "delivered", retried: "retried", dead: "dead", pause: "Pause", resume: "Resume",
    functions: "Function instances", noInstance: "no instance; at most {n}", "instance-busy": "busy", "instance-idle": "idle", "instance-starting": "starting", "instance-paused": "paused", "instance-stopped": "stopped",
    modules: "Modules", whichProducts: "Which products", withModules: "With modules", full: "Full", without: "Without", allProducts: "All", searchModules: "Search the modules", products: "Products and their modules", noProduct: "No matching products.", inProducts: "{n} in {products}", firstShown: ", the first {n} shown",
    send: "Send a request", sendShort: "Send", byWay: "By which way", viaQueue: "Queue", moreFields: "Instance, Id, correlation", asConfigured: "as configured", sending: "sending …", queuedNow: "queued, its outcome is on the way …", took: "HTTP {status} in {seconds} s", notAccepted: "not accepted", toCorrect: "{fields} to correct", notSent: "not sent: {fields} to correct", sendAnyway: "Send anyway", curl: "curl", curlTitle: "Copy the request as a curl command", copied: "copied",
    keys: "Keys", keySearch: "search the outcomes", keyList: "next or previous outcome, also in a story", keyOpen: "open the outcome’s story", keyClose: "close", keyHelp: "these keys",
    required: "is required", tooShort: "must have at least {n} characters", tooLong: "must have at most {n} characters (it has {length})", oneOf: "must be one of {values}", reserved: "must not be “{value}”: that name is reserved",
    patternProductKey: "must not contain white space or control characters", patternModuleName: "may contain English letters, digits, . _ and - only", patternAliasName: "may contain Chinese characters, English letters, digits, . _ and - only", patternDesc: "must not contain control characters", patternIotInstanceId: "must be printable ASCII without spaces", patternId: "must not contain control characters", patternCorrelationId: "must not contain control characters",
    nothingGivenUp: "No dead letters.", discard: "Discard", discardQuestion: "Discard the dead letter of {title}? It cannot be brought back.", discarded: "{letters} discarded", replay: "Replay", replayAll: "Replay all", oldestShown: ", the oldest {n} shown", andMore: "and {n} more", notReadable: "not readable", sentAgain: "{letters} sent again", notReplayed: "{n} not", gone: "It was gone already.", storyOf: "Story of",
    faults: "Faults", faultsHint: "injected on purpose", end: "End", faultSlow: "API is slow", faultThrottles: "API throttles", fault503: "API says 503", faultLost: "Answers lost", faultNeighbour: "Busy neighbour", faultKilled: "Function killed", faultTwice: "Batches twice", faultTopic: "Topic says 500",
    story: "Story", wholeStory: "The whole story", close: "Close", newerOutcome: "Newer outcome", olderOutcome: "Older outcome", whatHappened: "What happened", functionLog: "The function’s log", noMoreKnown: "No more is remembered of it.", moreSteps: "and {n} steps more", sameCorrelation: "With the same correlation", asPublished: "The outcome as it was published",
    correlation: "Correlation", alias: "Alias", description: "Description", instance: "Instance", code: "Code", message: "Message", apiRequest: "API request", attempts: "Attempts", body: "Body", differs: "{field} differs", wantedFound: "wanted “{wanted}”, found “{found}”",
    putBack: "Put back into {queue}, attempt {n}", sentTo: "Sent to {queue}", deliveredTo: "Delivered to {function}", success: "success", refused: "refused", published: "Outcome published: {status}", functionDone: "The function is done: {status}", lostCalls: "{calls} met a fault and never reached the API", deleted: "Message deleted", givenUp: "Given up into {queue}: {reason}", endedIn: "{function} ended in {error}", work: "attempt {attempt}, {calls}{throttles}, waited {seconds} s",
    messageId: "message", invocation: "invocation", instanceId: "instance", requestId: "request", eventId: "event",
    "call.one": "call", "call.many": "calls", "throttle.one": "throttle", "throttle.many": "throttles", "error.one": "error", "error.many": "errors", "timeout.one": "timeout", "timeout.many": "timeouts", "throttled.one": "throttled (no free instance)", "throttled.many": "throttled (no free instance)", "product.one": "product", "product.many": "products", "field.one": "field", "field.many": "fields", "letter.one": "letter", "letter.many": "letters", "deadLetter.one": "dead letter", "deadLetter.many": "dead letters", "message.one": "message", "message.many": "messages",
    hours: "{h} h {m} min", minutes: "{m} min {s} s", seconds: "{s} s",
  },
  zh: {
    title: "ota-modules · 本地云", localCloud: "本地云", skip: "跳到处理结果", connecting: "正在连接", servers: "服务地址", onThisPage: "本页内容",
    live: "实时，启动于 {time}", lost: "连接中断，正在重试",
    health: "健康状况", waiting: "{n} 条等待中", delayedOf: "其中 {n} 条延迟", rate: "每秒 {n} 个结果", left: "预计还需 {time}", noneLately: "10 秒内没有结果", lastError: "最近的错误",
    apiok: "API 正常", apiquiet: "API 尚未调用", apifailing: "API 调用失败", apidown: "API 拒绝连接", failedOf: "10 秒内 {calls} 次调用有 {n} 次失败", throttledOf: "{n} 次被限流",
    stream: "事件流", Stream: "事件流", streamRunning: "运行中", streamPaused: "已暂停", streamReady: "已停止", "streamFailed to start": "启动失败",
    callsTitle: "最近一秒的调用", callsHint: "一分钟，对照 API 的限额", failedInMinute: "一分钟内 {n} 次失败", throttledInMinute: "一分钟内 {n} 次限流", peak: "峰值 {n}", chart: "最近一秒 {latest} 次调用，一分钟内最多 {peak} 次，限额 {limit} 次",
    outcomes: "处理结果", showOnly: "只显示", search: "搜索", searchOutcomes: "搜索处理结果", csv: "CSV", csvTitle: "将当前列表下载为表格", time: "时间", status: "状态", productModule: "产品 / 模块", note: "说明", tries: "次数", latestFirst: "处理结果，最新的在前", noOutcome: "还没有处理结果。请发送请求，或运行演示：make run", noneLikeThat: "没有符合条件的结果。", newer: "条新结果", again: "重复",
    all: "全部", created: "已创建", existing: "已存在", updated: "已更新", rejected: "已拒绝", failed: "失败", unfinished: "未完成",
    runs: "批次", runBegan: "开始于 {time}；只显示该批次的结果", answered: "{n} / {sent}",
    queues: "队列", queue: "队列", active: "可见", inFlightColumn: "处理中", delayed: "延迟", actions: "操作", requests: "请求", deadLetters: "死信", purge: "清空", purgeQuestion: "丢弃{queue}队列中的 {messages}？此操作无法撤销。", purged: "已丢弃{queue}队列中的 {messages}", cancel: "取消", question: "确认",
    inFlight: "处理中", delivered: "已投递", retried: "已重试", dead: "死信", pause: "暂停", resume: "恢复",
    functions: "函数实例", noInstance: "没有实例；最多 {n} 个", "instance-busy": "忙碌", "instance-idle": "空闲", "instance-starting": "启动中", "instance-paused": "已挂起", "instance-stopped": "已停止",
    modules: "模块", whichProducts: "哪些产品", withModules: "有模块", full: "已满", without: "无模块", allProducts: "全部", searchModules: "搜索模块", products: "产品及其模块", noProduct: "没有符合条件的产品。", inProducts: "{products}，{n} 个模块", firstShown: "，显示前 {n} 个",
    send: "发送请求", sendShort: "发送", byWay: "发送方式", viaQueue: "队列", moreFields: "实例、Id、关联 Id", asConfigured: "按配置", sending: "正在发送…", queuedNow: "已入队，等待结果…", took: "HTTP {status}，{seconds} 秒", notAccepted: "未被接受", toCorrect: "有 {fields}需要更正", notSent: "未发送：有 {fields}需要更正", sendAnyway: "仍然发送", curl: "curl", curlTitle: "将请求复制为 curl 命令", copied: "已复制",
    keys: "快捷键", keySearch: "搜索处理结果", keyList: "下一个或上一个结果，在经过中同样有效", keyOpen: "打开该结果的经过", keyClose: "关闭", keyHelp: "显示快捷键",
    required: "必填", tooShort: "至少 {n} 个字符", tooLong: "最多 {n} 个字符（现有 {length} 个）", oneOf: "必须是以下之一：{values}", reserved: "不能为“{value}”：该名称已保留",
    patternProductKey: "不能包含空白或控制字符", patternModuleName: "只能包含英文字母、数字、. _ 和 -", patternAliasName: "只能包含中文、英文字母、数字、. _ 和 -", patternDesc: "不能包含控制字符", patternIotInstanceId: "只能是不含空格的可打印 ASCII 字符", patternId: "不能包含控制字符", patternCorrelationId: "不能包含控制字符",
    nothingGivenUp: "没有死信。", discard: "丢弃", discardQuestion: "丢弃 {title} 的死信？此操作无法撤销。", discarded: "已丢弃 {letters}", replay: "重放", replayAll: "全部重放", oldestShown: "，显示最早的 {n} 条", andMore: "等，另有 {n} 个", notReadable: "无法读取", sentAgain: "已重新发送 {letters}", notReplayed: "{n} 条未发送", gone: "已不存在。", storyOf: "查看经过：",
    faults: "故障", faultsHint: "有意制造的故障", end: "结束", faultSlow: "API 变慢", faultThrottles: "API 限流", fault503: "API 返回 503", faultLost: "响应丢失", faultNeighbour: "配额被占用", faultKilled: "函数被终止", faultTwice: "重复投递", faultTopic: "主题返回 500",
    story: "经过", wholeStory: "完整经过", close: "关闭", newerOutcome: "较新的结果", olderOutcome: "较早的结果", whatHappened: "处理经过", functionLog: "函数日志", noMoreKnown: "没有更多记录。", moreSteps: "另有 {n} 步", sameCorrelation: "相同关联 Id 的结果", asPublished: "发布的结果原文",
    correlation: "关联 Id", alias: "别名", description: "描述", instance: "实例", code: "错误码", message: "错误信息", apiRequest: "API 请求 Id", attempts: "尝试次数", body: "请求体", differs: "{field} 不一致", wantedFound: "期望“{wanted}”，实际“{found}”",
    putBack: "放回 {queue}，第 {n} 次尝试", sentTo: "发送到 {queue}", deliveredTo: "投递给 {function}", success: "成功", refused: "被拒绝", published: "已发布结果：{status}", functionDone: "函数处理完毕：{status}", lostCalls: "{calls}遇到故障，未到达 API", deleted: "消息已删除", givenUp: "转入死信队列 {queue}：{reason}", endedIn: "{function} 以 {error} 结束", work: "第 {attempt} 次尝试，{calls}{throttles}，等待 {seconds} 秒",
    messageId: "消息", invocation: "调用", instanceId: "实例", requestId: "请求", eventId: "事件",
    "call.one": "次调用", "call.many": "次调用", "throttle.one": "次限流", "throttle.many": "次限流", "error.one": "个错误", "error.many": "个错误", "timeout.one": "次超时", "timeout.many": "次超时", "throttled.one": "次限流（没有空闲实例）", "throttled.many": "次限流（没有空闲实例）", "product.one": "个产品", "product.many": "个产品", "field.one": "个字段", "field.many": "个字段", "letter.one": "条死信", "letter.many": "条死信", "deadLetter.one": "条死信", "deadLetter.many": "条死信", "message.one": "条消息", "message.many": "条消息",
    hours: "{h} 小时 {m} 分", minutes: "{m} 分 {s} 秒", seconds: "{s} 秒",
  },
};

const language = (navigator.languages?.[0] ?? navigator.language ?? "en").toLowerCase().startsWith("zh") ? "zh" : "en";
const locale = { en: "en", zh: "zh-CN" }[language];
const known = STRINGS[language];

// A text by its key; `{name}` stands for a value. What has no key, such as an unknown status, stands for itself.
export const t = (key, values = {}) => (known[key] ?? String(key ?? "–")).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

export const number = (value) => value.toLocaleString(locale);
export const counted = (count, what) => `${number(count)} ${t(`${what}.${count === 1 ? "one" : "many"}`)}`;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const preciseClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
export const timeOf = (seconds) => clock.format(seconds * 1000);
export const preciseTimeOf = (seconds) => preciseClock.format(seconds * 1000);

export function elapsed(seconds) {
  if (seconds < 0.0995) return `+${Math.max(0, Math.round(seconds * 1000))} ms`;
  return seconds < 100 ? `+${seconds.toFixed(2)} s` : `+${Math.round(seconds)} s`;
}

export function duration(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  return h ? t("hours", { h, m }) : m ? t("minutes", { m, s }) : t("seconds", { s });
}

// The texts of index.html itself.
export function translate() {
  document.documentElement.lang = locale;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of document.querySelectorAll("[data-t-title]")) element.title = t(element.dataset.tTitle);
}
