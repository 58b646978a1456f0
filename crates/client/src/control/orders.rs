//! Orders and what can be done to them. Everything here needs a key of the tenant.

use contract::control::{
    ApproveOrder, ListMoved, ListOrders, ListReviews, Order, OrderCounts, OrderLine, OrderSummary,
    Page, PlaceOrder, RejectOrder, TerminateOrder, WaitingReview,
};

use reqwest::Method;

use super::{Content, Control, Error};

calls! {
    /// Places an order; the vendor is notified.
    pub async fn place_order(tenant_key: &str, body: &PlaceOrder) -> Order =
        post(["tenants", tenant_key, "orders"], body);
    /// Lists a tenant's orders, newest first.
    pub async fn list_orders(tenant_key: &str, list: &ListOrders) -> Page<OrderSummary> =
        get(["tenants", tenant_key, "orders"], list);
    /// Finds orders by what somebody typed and by the filters of the list, newest first.
    pub async fn search_orders(tenant_key: &str, list: &ListOrders) -> Page<OrderLine> =
        post(["tenants", tenant_key, "orders", "search"], list);
    /// Counts a tenant's orders by state.
    pub async fn count_orders(tenant_key: &str) -> OrderCounts =
        get(["tenants", tenant_key, "orders", "counts"]);
    /// Lists the caller's own orders that somebody else changed since an instant.
    pub async fn list_moved_orders(tenant_key: &str, list: &ListMoved) -> Page<OrderLine> =
        get(["tenants", tenant_key, "orders", "moved"], list);
    /// Lists the results that wait for a decision, the longest waiting first.
    pub async fn list_reviews(tenant_key: &str, list: &ListReviews) -> Page<WaitingReview> =
        get(["tenants", tenant_key, "reviews"], list);
    /// Reads one order with all that belongs to it.
    pub async fn get_order(tenant_key: &str, order_id: &str) -> Order =
        get(["tenants", tenant_key, "orders", order_id]);
    /// Accepts the result under review: the order is completed.
    pub async fn approve_order(tenant_key: &str, order_id: &str, body: &ApproveOrder) -> Order =
        post(["tenants", tenant_key, "orders", order_id, "approve"], body);
    /// Sends the result under review back.
    pub async fn reject_order(tenant_key: &str, order_id: &str, body: &RejectOrder) -> Order =
        post(["tenants", tenant_key, "orders", order_id, "reject"], body);
    /// Takes the review request back.
    pub async fn withdraw_order(tenant_key: &str, order_id: &str) -> Order =
        post(["tenants", tenant_key, "orders", order_id, "withdraw"]);
    /// Ends the order without a conclusion; the vendor is notified of the reason.
    pub async fn terminate_order(tenant_key: &str, order_id: &str, body: &TerminateOrder) -> Order =
        post(["tenants", tenant_key, "orders", order_id, "terminate"], body);
}

impl Control {
    /// Opens what the search finds as a table, CSV in UTF-8, whole whatever `cursor` and `limit` say.
    pub async fn export_orders(
        &self,
        tenant_key: &str,
        list: &ListOrders,
    ) -> Result<Content, Error> {
        let path = ["tenants", tenant_key, "orders", "export"];
        let response = self.send_open(Method::POST, &path, list).await?;
        Ok(Content::new(self, response))
    }
}
