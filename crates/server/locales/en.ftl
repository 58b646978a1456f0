### Frame

skip = Skip to the content
menu = Menu
places = Places
search = Search
search-hint = Candidate, order id, application
choose-tenant = Change the hirer
my-account = My account
sign-out = Sign out
today = Today
orders = Orders
review = Review
close = Close
copy = Copy
copied = Copied
optional = (optional)
theme-system = As the system
theme-light = Light
theme-dark = Dark

## Keys

keys = Keys
keys-search = Search
keys-next = Next report
keys-previous = Report before
keys-approve = Approve
keys-reject = Send back
keys-withdraw = Withdraw
keys-help = Show the keys

## Times

just-now = just now
minutes-ago = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
hours-ago = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
yesterday = yesterday { $it }
for-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
for-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
for-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
for-days-hours = { $days ->
    [one] { $days } day
   *[other] { $days } days
} { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}

## States, and what was done

state = State
state-arranged = Under way
state-in-review = In review
state-review-withdrawn = Review withdrawn
state-rejected = Sent back
state-completed = Completed
state-terminated = Terminated
did-placed = Placed
did-progress = The vendor reported progress
did-result = Result returned
did-canceled = Cancelled by the vendor
did-terminated = Terminated
did-approved = Approved
did-rejected = Sent back to the vendor
did-withdrawn = Review withdrawn
conclusion-of-vendor = The vendor's conclusion
erased = Erased
delivery-held = Held
delivery-due = Due
delivery-delivered = Delivered
delivery-exhausted = Not delivered
delivery-paused = Paused

## Reports

reports = Reports
report-stage = Stage report
report-final = Final report
report-pending = Being fetched
report-pending-why = The report is being fetched from the vendor and checked. It is shown here when that is done.
report-stored = Checked
report-flagged = Take care
report-failed = Not fetched
report-linked = Preview link
report-linked-why = The vendor gave a preview link only. Its content is not stored here.
report-erased-why = The report was erased at the end of its retention, for good.
report-open-there = Open at the vendor's
report-open = Open in a new tab
report-save = Download
report-version = { $count ->
   *[other] version { $count }
}
report-none = No report yet
report-none-why = Reports that the vendor attaches to progress and results are shown here.
report-not-yours = Your role does not see reports
report-not-yours-why = You see progress and state as before. If you need results and reports, ask your admin.

## Today

today-waiting = Waiting for my decision
today-moved = Placed by me, moved within three days
today-more = { $count ->
    [one] { $count } more report waits in review
   *[other] { $count } more reports wait in review
}
today-empty = Nothing waits for you today.
today-empty-why = Reports that need your decision, and orders of yours that moved, are shown here.
see-orders = See the orders

## The list of orders

all = All
candidate = Candidate
package-and-vendor = Package · vendor
latest = Latest
conclusion = Conclusion
placed = Placed
pages = Pages
orders-on-page = { $count ->
    [one] { $count } order on this page
   *[other] { $count } orders on this page
}
first-page = First page
next-page = Next page
orders-none = No orders yet
orders-none-why = Once a background check is placed, its progress, result and reports are shown here.
orders-none-here = No orders fit
orders-none-here-why = Choose another state, or see all orders.
orders-all = See all orders

## One order

progress = Progress
candidate-and-order = Candidate and order
mobile = Mobile
email = Mail
additional-items = Additional items
client-contact = Contact
application = Application
location = Place of work
comment = Remark
placed-by = placed by { $it }
parts = Parts of the order
timeline = Timeline
sent = What was sent
deliveries = Deliveries
deliveries-none = Nothing about this order was delivered yet.
views = Who looked
views-none = Nobody has looked at this order's reports yet.
evidence = Evidence
evidence-none = No evidence yet: it is made by itself once the first report is fetched.
evidence-why = A signed list of every report that was stored for this order, each with its SHA-256; it holds no content.
evidence-verify = Verify it without a server:
nothing-yet = Nothing is recorded yet.
order-erased-why = The order's personal data and reports were erased at the end of their retention, for good. Its id, states and times stay.
key-of-api = key { $it }
link-of-app = the vendor's link, { $it }
link-of-somebody = a signed link
attempt = { $count ->
   *[other] attempt { $count }
}
step-result = Result returned: { $it }
next-result = The vendor returns a result
next-review = Review
next-corrected = The vendor corrects it
more = More
says-in-review = The vendor returned a result
says-may-decide = It waits for a decision. You may decide.
says-waits = It waits for an approver's decision.
says-four-eyes = You placed this order, so somebody else has to decide.
says-approved = { $it } approved it
says-rejected = { $it } sent it back to the vendor
says-withdrawn = The review was withdrawn. The vendor may return another result.
says-withdrawn-by = { $it } withdrew the review

## Review

decide = Review
approve = Approve
reject = Send back
withdraw = Withdraw review
terminate = Terminate the check
review-waiting = { $count ->
    [one] { $count } report waits
   *[other] { $count } reports wait
}
review-waiting-more = { $count ->
   *[other] more than { $count } reports wait
}
review-longest = the longest for { $it }
review-empty = No report waits for review
review-empty-why = Once a vendor returns a result, its report is shown here; the one that waits longest comes first.
result-number = { $count ->
   *[other] result no. { $count }
}
whole-order = See the order
words-of-decision = Comment (needed to send it back)
reason-is-missing = Say why it goes back, so that the vendor can correct it.
newer-result = The vendor returned another result while you looked. Read the new report first; what you typed is below.
your-words-are-here = What you typed was not sent. It is below, to be copied.
common-reasons = Common reasons
reason-1 = An additional item is missing from the report. Please add it.
reason-2 = A conclusion has no source. Please say where it comes from.
reason-3 = It differs from the candidate's resume. Please check again.

## My account

language = Language
theme = Colours
password = Password
current-password = Present password
new-password = New password
code = Code

## What was done, and what was not


## Signing in and joining

name = Name
