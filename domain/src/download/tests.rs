use super::*;
use crate::{
    examples::{download, download_initiated, license_id},
    testing::given,
};

#[test]
fn a_download_begins_and_is_completed_once_each() {
    let initiate = || Command::Initiate { download: download(), license: Some(license_id()) };
    given::<Downloads>([]).when(initiate()).then(download_initiated());
    given::<Downloads>([download_initiated()]).when(initiate()).then_nothing();
    given::<Downloads>([]).when(Command::Complete).then_refused(Error::NotInitiated);
    given::<Downloads>([download_initiated()]).when(Command::Complete).then(Event::Completed {});
    given::<Downloads>([download_initiated(), Event::Completed {}]).when(Command::Complete).then_nothing();
}
