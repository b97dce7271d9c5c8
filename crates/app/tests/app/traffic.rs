//! How often pages are looked at.

use souk_app::traffic;
use souk_domain::{
    event::DomainEvent,
    id::{PluginId, VendorId},
    traffic::Event,
};
use souk_testkit::Fault;
use uuid::Uuid;

use crate::support::World;

fn plugin(number: u128) -> PluginId {
    PluginId::new(Uuid::from_u128(number))
}

fn vendor() -> VendorId {
    VendorId::new(Uuid::from_u128(1))
}

/// What was written down, event by event: how many pages, and how many looks.
fn written(world: &World) -> Vec<(usize, u64)> {
    let events = world.events_of("traffic.counted");
    let figures = events.into_iter().map(|recorded| {
        let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data).unwrap();
        let DomainEvent::Traffic(Event::Counted { pages, .. }) = event else { panic!("{}", recorded.event_type) };
        (pages.len(), pages.iter().map(|page| page.views).sum())
    });
    figures.collect()
}

#[tokio::test]
async fn looks_are_added_up_and_written_once() {
    let world = World::new();
    let app = world.app();
    assert_eq!(traffic::write_down(&app).await.unwrap(), 0);
    for number in [1, 2, 1, 1] {
        traffic::looked_at(&app, plugin(number), vendor());
    }
    assert_eq!(traffic::write_down(&app).await.unwrap(), 4);
    assert_eq!(traffic::write_down(&app).await.unwrap(), 0);
    // Within the same moment, by the same process.
    traffic::looked_at(&app, plugin(1), vendor());
    assert_eq!(traffic::write_down(&app).await.unwrap(), 1);
    assert_eq!(written(&world), [(2, 4), (1, 1)]);
}

#[tokio::test]
async fn looks_at_many_pages_are_several_events() {
    let world = World::new();
    let app = world.app();
    for number in 0..3_200 {
        traffic::looked_at(&app, plugin(number), vendor());
    }
    assert_eq!(traffic::write_down(&app).await.unwrap(), 3_200);
    assert_eq!(written(&world), [(1_500, 1_500), (1_500, 1_500), (200, 200)]);
}

#[tokio::test]
async fn what_could_not_be_written_or_may_have_been_is_written_once() {
    for fault in [Fault::Pass, Fault::LostBefore, Fault::LostAfter] {
        let world = World::new();
        let app = world.app();
        for number in 0..2_000 {
            traffic::looked_at(&app, plugin(number), vendor());
        }
        world.log.set_down(true);
        traffic::write_down(&app).await.unwrap_err();
        world.log.set_down(false);
        world.log.plan([Fault::Pass, fault]);
        traffic::looked_at(&app, plugin(1), vendor());
        while traffic::write_down(&app).await.unwrap_or(1) > 0 {}
        let looks: u64 = written(&world).iter().map(|(_, looks)| looks).sum();
        assert_eq!((looks, written(&world).len()), (2_001, 3), "{fault:?}");
    }
}
