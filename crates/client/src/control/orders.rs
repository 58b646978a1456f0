//! Orders and what can be done to them. Everything here needs a key of the tenant.

use contract::control::{
    ApproveOrder, ListOrders, Order, OrderSummary, Page, PlaceOrder, RejectOrder, TerminateOrder,
};

calls! {
    /// Places an order; the vendor is notified.
    pub async fn place_order(tenant_key: &str, body: &PlaceOrder) -> Order =
        post(["tenants", tenant_key, "orders"], body);
    /// Lists a tenant's orders, newest first.
    pub async fn list_orders(tenant_key: &str, list: &ListOrders) -> Page<OrderSummary> =
        get(["tenants", tenant_key, "orders"], list);
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
