//! Orders by the control API: placing, reading, deciding, ending.

mod harness;

use contract::control::{OrderState, TimelineAction};
use harness::World;

#[tokio::test]
async fn a_placed_order_is_arranged_and_shows_its_form() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order = world.place(&seed).await;
        let form = harness::form(&seed.account.account_id);
        assert_eq!((order.state, order.order_status), (OrderState::Arranged, 2));
        assert_eq!(order.candidate_info, form.candidate_info);
        assert_eq!(order.client_contact_info, form.client_contact_info);
        assert_eq!(order.additional_item_id_list, form.additional_item_id_list);
        assert_eq!(order.application_id, form.application_id);
        assert_eq!(order.location_code, form.location_code);
        assert_eq!(order.comment, form.comment);
        assert_eq!(order.timeline[0].action, TimelineAction::Placed);
    })
    .await;
}
