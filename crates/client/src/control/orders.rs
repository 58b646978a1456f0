//! Orders and what can be done to them. Everything here needs a key of the tenant.

use contract::control::{
    ApproveOrder, ListOrders, Order, OrderSummary, Page, PlaceOrder, RejectOrder, TerminateOrder,
};

use super::{Control, Error, NO_QUERY, Nothing};

impl Control {
    /// Places an order; the vendor is notified.
    pub async fn place_order(&self, tenant_key: &str, body: &PlaceOrder) -> Result<Order, Error> {
        self.post(&["tenants", tenant_key, "orders"], body).await
    }

    /// Lists a tenant's orders, newest first.
    pub async fn list_orders(
        &self,
        tenant_key: &str,
        list: &ListOrders,
    ) -> Result<Page<OrderSummary>, Error> {
        self.get(&["tenants", tenant_key, "orders"], Some(list)).await
    }

    /// Reads one order with all that belongs to it.
    pub async fn get_order(&self, tenant_key: &str, order_id: &str) -> Result<Order, Error> {
        self.get(&["tenants", tenant_key, "orders", order_id], NO_QUERY).await
    }

    /// Accepts the result under review: the order is completed.
    pub async fn approve_order(
        &self,
        tenant_key: &str,
        order_id: &str,
        body: &ApproveOrder,
    ) -> Result<Order, Error> {
        self.post(&["tenants", tenant_key, "orders", order_id, "approve"], body).await
    }

    /// Sends the result under review back.
    pub async fn reject_order(
        &self,
        tenant_key: &str,
        order_id: &str,
        body: &RejectOrder,
    ) -> Result<Order, Error> {
        self.post(&["tenants", tenant_key, "orders", order_id, "reject"], body).await
    }

    /// Takes the review request back.
    pub async fn withdraw_order(&self, tenant_key: &str, order_id: &str) -> Result<Order, Error> {
        self.post(&["tenants", tenant_key, "orders", order_id, "withdraw"], &Nothing {}).await
    }

    /// Ends the order without a conclusion; the vendor is notified of the reason.
    pub async fn terminate_order(
        &self,
        tenant_key: &str,
        order_id: &str,
        body: &TerminateOrder,
    ) -> Result<Order, Error> {
        self.post(&["tenants", tenant_key, "orders", order_id, "terminate"], body).await
    }
}
