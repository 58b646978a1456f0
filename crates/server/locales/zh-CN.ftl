### 页面上的文字。姓名、结论、原因不翻译。

## 框架

skip = 跳到正文
menu = 菜单
places = 导航
search = 搜索
search-hint = 搜索候选人、电话、订单号、投递
choose-tenant = 切换客户
my-account = 我的账户
sign-out = 退出登录
today = 今日
orders = 背调订单
review = 报告审批
close = 关闭
copy = 复制
copied = 已复制
optional = （选填）
theme-system = 跟随系统
theme-light = 浅色
theme-dark = 深色

## 快捷键

keys = 快捷键
keys-search = 搜索
keys-next = 下一份
keys-previous = 上一份
keys-approve = 批准
keys-reject = 退回
keys-withdraw = 撤回审批
keys-help = 查看快捷键

## 时间

just-now = 刚刚
minutes-ago = { $count } 分钟前
hours-ago = { $count } 小时前
yesterday = 昨天 { $it }
for-minutes = { $count } 分钟
for-hours = { $count } 小时
for-days = { $count } 天
for-days-hours = { $days } 天 { $hours } 小时

## 状态与经过

state = 状态
state-arranged = 进行中
state-in-review = 待审批
state-review-withdrawn = 审批已撤回
state-rejected = 已退回
state-completed = 已完成
state-terminated = 已终止
did-placed = 已下单
did-progress = 供应商更新进展
did-result = 结果已回传
did-canceled = 供应商取消订单
did-terminated = 已终止
did-approved = 审批通过
did-rejected = 退回供应商
did-withdrawn = 撤回审批
did-review-overdue = 逾期未审批
conclusion-of-vendor = 供应商的结论
erased = 已删除
event-account = 账号绑定
event-placed = 安排背调
event-terminated = 终止背调
delivery-held = 暂存
delivery-due = 待推送
delivery-delivered = 已送达
delivery-exhausted = 推送失败
delivery-paused = 已暂停

## 报告

reports = 报告
report-stage = 阶段报告
report-final = 终版报告
report-pending = 取回中
report-pending-why = 报告正在从供应商处取回并校验，完成后会显示在这里。
report-stored = 已校验
report-flagged = 需留意
report-failed = 取回失败
report-linked = 预览链接
report-linked-why = 供应商只提供了预览链接，内容不保存在本系统。
report-erased-why = 报告已按保留期限删除，无法恢复。
report-open-there = 在供应商网站打开
report-open = 在新标签页打开
report-save = 下载
report-version = 第 { $count } 版
report-none = 还没有报告
report-none-why = 供应商回传进展或结果时附上的报告，会显示在这里。
report-not-yours = 你的角色不能查看报告
report-not-yours-why = 进展和状态照常可见。需要查看结果和报告时，请联系管理员。

## 今日

today-waiting = 等待我审批
today-moved = 我下单的，近三天有进展
today-more = 还有 { $count } 份，去报告审批
today-empty = 今天没有等待你的事。
today-empty-why = 需要你审批的报告，和你下单后有进展的订单，会出现在这里。
see-orders = 查看背调订单

## 订单列表

all = 全部
candidate = 候选人
package-and-vendor = 套餐 · 供应商
latest = 最新进展
conclusion = 供应商结论
placed = 下单
pages = 翻页
orders-on-page = 本页 { $count } 单
first-page = 第一页
next-page = 下一页
export-csv = 导出 CSV
orders-total = 共 { $total } 单，{ $waiting } 单等待审批
account = 账号
package = 套餐
any = 全部
anybody = 所有人
placed-by-whom = 下单人
placed-by-me = 我下的
filter = 筛选
filter-clear = 清除筛选
search-for = 搜索「{ $it }」
search-none = 没有找到
search-none-why = 可以搜索候选人姓名、电话、邮箱、投递编号或订单号；姓名可以只写一部分。
orders-none = 还没有背调订单
orders-none-why = 安排第一个背调后，订单的进展、结果和报告都会在这里。
orders-none-here = 没有符合条件的订单
orders-none-here-why = 换一个状态看看，或查看全部订单。
orders-all = 查看全部订单

## 订单详情

progress = 进度
candidate-and-order = 候选人与订单
mobile = 手机
email = 邮箱
additional-items = 附加调查项
client-contact = 联系人
application = 投递
location = 工作地点
comment = 备注
placed-by = { $it } 下单
parts = 订单详情
timeline = 时间线
sent = 发送内容
deliveries = 推送记录
deliveries-none = 这个订单还没有推送记录。
views = 谁看过
views-none = 还没有人看过这个订单的报告。
evidence = 存证
evidence-none = 还没有存证：取回第一份报告后自动生成。
evidence-why = 签名清单：列出这个订单保存过的每一份报告及其 SHA-256，不含报告内容。
evidence-verify = 离线核验：
nothing-yet = 还没有记录。
order-erased-why = 订单的个人信息和报告已按保留期限删除，无法恢复；订单号、状态和时间保留。
key-of-api = 密钥 { $it }
link-of-app = 供应商链接 { $it }
link-of-somebody = 签名链接
attempt = 第 { $count } 次
step-result = 结果已回传：{ $it }
next-result = 等待供应商回传结果
next-review = 审批
next-corrected = 等待供应商更正
more = 更多
says-in-review = 供应商已回传结果
says-may-decide = 等待审批，你可以审批。
says-waits = 等待审批人决定。
says-four-eyes = 这个订单由你下单，须由他人审批。
says-approved = { $it } 已批准
says-rejected = { $it } 已退回供应商
says-withdrawn = 审批已撤回，供应商可以重新回传结果。
says-withdrawn-by = { $it } 已撤回审批

## 报告审批

decide = 去审批
approve = 批准
reject = 退回供应商
withdraw = 撤回审批
terminate = 终止背调
review-waiting = { $count } 份等待
review-waiting-more = { $count } 份以上等待
review-longest = 最久的等了 { $it }
review-empty = 没有等待审批的报告
review-empty-why = 供应商回传结果后，报告会出现在这里，等待最久的排在最前。
keys-step = 切换
result-number = 第 { $count } 次回传
whole-order = 查看订单
words-of-decision = 意见（批准时可不填，退回时必填）
reason-is-missing = 请写明退回原因，供应商据此更正。
newer-result = 你查看期间供应商又回传了新的结果，请先看新报告；你填写的内容仍在下方。
your-words-are-here = 你填写的意见没有提交，仍保留在下方，可以复制。
common-reasons = 常用理由
reason-1 = 报告缺少附加调查项，请补充。
reason-2 = 核验结论缺少依据，请注明信息来源。
reason-3 = 候选人信息与简历不一致，请重新核实。

## 账户

language = 语言
language-as-browser = 跟随浏览器
theme = 外观
preferences = 显示
save = 保存
back = 返回
password = 密码
current-password = 当前密码
new-password = 新密码
password-hint = 至少 12 个字符，不要用常见密码。
change-password = 修改密码
change-password-why = 修改后，其他已登录的会话会全部退出。
totp = 两步验证
totp-on = 已开启
totp-off = 未开启
totp-on-why = 登录时需要密码和动态口令。
totp-off-why = 开启后，登录时除密码外还需要手机上的动态口令。
totp-begin = 开启两步验证
totp-end = 关闭两步验证
totp-step-1 = 在手机上打开身份验证器应用，选择手动输入密钥。
totp-step-2 = 输入这个密钥：
totp-step-3 = 把应用显示的 6 位口令填在下面。
totp-open-app = 在本机的身份验证器中打开
totp-confirm = 确认并开启
code = 动态口令
code-hint = 6 位数字；也可以填一个恢复码。
codes-left = 登录时需要密码和动态口令。还剩 { $count } 个恢复码。
codes-why = 请现在保存这些恢复码：它们只显示这一次。手机丢失时，每个恢复码可以代替动态口令登录一次。
codes-done = 我已保存
sessions = 已登录的会话
session-began = 登录于
session-seen = 最近使用
session-this = 当前会话
session-end = 退出
end-other-sessions = 退出其他会话

## 提示

done-approved = 已批准。
done-rejected = 已退回供应商。
done-withdrawn = 审批已撤回。
done-terminated = 背调已终止，供应商会收到原因。
done-saved = 已保存。
done-password = 密码已修改，其他会话已退出。
done-totp-ended = 两步验证已关闭。
done-session-ended = 会话已退出。
reason-is-missing-here = 请写明原因（至多 2,000 个字符），供应商会收到。
terminate-why = 终止后不能恢复，订单状态变为「已终止」。
terminate-reason = 终止原因
terminate-reason-hint = 供应商会收到这段文字。
withdraw-why = 撤回后，供应商可以重新回传结果；这一次的结果和报告会保留。
stop-not-found = 没有这一页
stop-not-found-why = 地址可能有误，或者内容不在你可以查看的范围内。
stop-forbidden = 你的角色不能做这件事
stop-forbidden-why = 没有任何改动。需要时请联系管理员调整角色。
stop-bad-form = 提交的内容读不出来
stop-bad-form-why = 没有任何改动。请返回上一页重试。
stop-conflict = 现在不能这样做
stop-conflict-why = 状态已经变化，没有任何改动。请返回查看最新状态。
stop-fault = 出错了
stop-fault-why = 问题在我们这边，你的操作可能没有完成。请稍后重试；重复提交不会做两次。
to-the-start = 回到今日

## 登录与加入

sign-in = 登录
sign-in-why = 使用你的邮箱和密码登录。
sign-in-wrong = 邮箱或密码不正确。
sign-in-anew = 换一个账户登录
session-over = 登录已过期。你填写的内容没有丢失，登录后可以继续提交。
needs-tls = 这个地址没有加密，浏览器不会保存登录状态。请使用 https 地址访问。
too-many-tries = 尝试次数过多，请 { $count } 分钟后再试。
busy = 登录的人太多，请稍后再试。
totp-asked = 打开身份验证器应用，输入显示的口令。
totp-demanded = 你所在的客户要求两步验证，请先在下方开启，然后继续使用。
code-wrong = 口令不正确，或者已经用过。
typed-again = 继续提交
typed-again-why = 登录过期前填写的内容已保留，还没有提交。
typed-again-send = 提交
typed-again-drop = 不提交，回到今日
choose-tenant-why = 你加入了多个客户，请选择要进入的一个。
no-tenant = 你还没有加入任何客户。
set-up = 首次设置
set-up-why = 创建第一个账户，以及第一个客户。
set-up-do = 创建并登录
tenant-name = 客户名称
tenant-name-hint = 你的公司或团队，例如「星河科技」。只做运维时可以不填。
name = 姓名
invitation = 接受邀请
invitation-why = { $email } 受邀加入「{ $tenant }」。
the-operators = 运维
join = 加入
sign-in-to-join = 登录后加入
new-password-why = 为 { $it } 设置新密码。其他已登录的会话会全部退出。
form-has-faults = 还不能提交：
fault-current-password = 当前密码不正确。
fault-password = 密码至少 12 个字符，不能是常见密码，也不能包含姓名或邮箱。
fault-email = 请填写邮箱地址。
fault-name = 请填写名称，至多 100 个字符。
fault-other = 请检查这一项。
stop-link-over = 链接已失效
stop-link-over-why = 链接只能使用一次，并且有时限。请向给你链接的人要一个新的。
codes = 恢复码
