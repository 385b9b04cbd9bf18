use bytes::Bytes;

use super::World;
use super::world::{report, spec};
use crate::domain::job::{Command, End, OutputChunk, Report};
use crate::store::{OutputQuery, Piece};

/// How the engines are opened: more events of a job than any other test cleans.
pub(crate) const SETTING: &str = "job=events:300";
const ID: &str = "job-000001";

async fn write(world: &World, fence: u64, number: u64, channel: &str, offset: u64, data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let chunk = OutputChunk { channel: channel.into(), offset, data };
    let report = Report { output: vec![chunk], ..report(fence, number) };
    world.change(ID, Command::Report(Box::new(report))).await.expect("written");
}

async fn piece(world: &World, attempt: u32, channel: &str, from: u64, max: usize) -> Piece {
    let (job_id, channel) = (ID.to_owned(), channel.to_owned());
    let query = OutputQuery { job_id, attempt, channel, from, max };
    world.store.job_output(query).await.expect("read")
}

/// Bytes of an output that is retained whole.
async fn read(world: &World, attempt: u32, channel: &str, from: u64, max: usize) -> Vec<u8> {
    let Piece { start, data } = piece(world, attempt, channel, from, max).await;
    assert_eq!(start, from);
    data.to_vec()
}

pub(crate) async fn any_range_of_output_is_found(world: World) {
    world.create(spec(&world, 1)).await;
    let fence = world.lease(ID, "w").await;
    let whole: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut offset = 0;
    for (number, size) in (1..).zip([1, 99, 250, 3, 647]) {
        let part = &whole[offset..offset + size];
        write(&world, fence, number, "stdout", offset as u64, part).await;
        offset += size;
    }
    for from in [0, 1, 50, 99, 100, 101, 349, 350, 352, 353, 999, 1000, 2000] {
        for max in [0, 1, 2, 100, 400, 5000] {
            let start = from.min(whole.len());
            let expected = &whole[start..(start + max).min(whole.len())];
            assert_eq!(read(&world, 1, "stdout", from as u64, max).await, expected, "{from} {max}");
        }
    }
    assert!(read(&world, 1, "stderr", 0, 10).await.is_empty());
    let (job_id, channel) = ("nobody".to_owned(), "stdout".to_owned());
    let query = OutputQuery { job_id, attempt: 1, channel, from: 0, max: 9 };
    assert_eq!(world.store.job_output(query).await, Ok(Piece { start: 0, data: Bytes::new() }));
}

pub(crate) async fn attempts_and_channels_are_kept_apart(world: World) {
    world.create(spec(&world, 1)).await;
    let fence = world.lease(ID, "w").await;
    write(&world, fence, 1, "stdout", 0, b"first").await;
    write(&world, fence, 2, "stderr", 0, b"oh").await;
    write(&world, fence, 3, "stdout", 5, b" try").await;
    let release = Report { end: Some(End::Released), ..report(fence, 4) };
    world.change(ID, Command::Report(Box::new(release))).await.expect("released");
    let fence = world.lease(ID, "v").await;
    write(&world, fence, 1, "stdout", 0, b"second").await;
    let world = world.reopened();
    assert_eq!(read(&world, 1, "stdout", 0, 99).await, b"first try");
    assert_eq!(read(&world, 1, "stderr", 0, 99).await, b"oh");
    assert_eq!(read(&world, 2, "stdout", 0, 99).await, b"second");
    assert_eq!(read(&world, 2, "stdout", 3, 2).await, b"on");
}

pub(crate) async fn long_output_of_several_channels_is_found_anywhere(mut world: World) {
    world.create(spec(&world, 1)).await;
    let fence = world.lease(ID, "w").await;
    let mut written = [("stdout", Vec::new()), ("stderr", Vec::new()), ("rare", Vec::new())];
    for number in 1..=400_u64 {
        let turn = if number % 170 == 1 { 2 } else { usize::from(number % 3 == 0) };
        let (channel, whole) = &mut written[turn];
        let data = format!("{number} ");
        write(&world, fence, number, channel, whole.len() as u64, data.as_bytes()).await;
        whole.extend_from_slice(data.as_bytes());
        if number == 200 {
            world = world.reopened();
        }
    }
    for (channel, whole) in &written {
        assert_eq!(read(&world, 1, channel, 0, 9999).await, *whole, "{channel}");
        for from in (0..whole.len()).step_by(41) {
            let expected = &whole[from..whole.len().min(from + 50)];
            assert_eq!(
                read(&world, 1, channel, from as u64, 50).await,
                expected,
                "{channel} {from}"
            );
        }
    }
}

pub(crate) async fn output_begins_where_it_is_retained(world: World) {
    world.create(spec(&world, 1)).await;
    let fence = world.lease(ID, "w").await;
    let mut whole = Vec::new();
    for number in 1..=400_u64 {
        // Of one channel nothing is left but a piece far from where it began, of another nothing.
        match number {
            1 => write(&world, fence, number, "early", 0, b"gone").await,
            2 => write(&world, fence, number, "rare", 0, b"gone").await,
            399 => write(&world, fence, number, "rare", 4, b"kept").await,
            _ => {
                let data = format!("{number} ");
                write(&world, fence, number, "stdout", whole.len() as u64, data.as_bytes()).await;
                whole.extend_from_slice(data.as_bytes());
            }
        }
    }
    assert!(world.clean().await.events > 100);
    let world = world.reopened();
    let Piece { start: kept, data } = piece(&world, 1, "stdout", 0, 9999).await;
    let kept = usize::try_from(kept).expect("short");
    assert!(kept > 0, "something is gone");
    assert_eq!(data, whole[kept..]);
    for from in (0..=whole.len()).step_by(7) {
        let found = piece(&world, 1, "stdout", from as u64, 50).await;
        let start = from.max(kept);
        assert_eq!(
            (found.start, &*found.data),
            (start as u64, &whole[start..whole.len().min(start + 50)])
        );
    }
    let rare = piece(&world, 1, "rare", 1, 99).await;
    assert_eq!((rare.start, &*rare.data), (4, &b"kept"[..]));
    assert_eq!(piece(&world, 1, "early", 0, 9).await, Piece { start: 0, data: Bytes::new() });
}
