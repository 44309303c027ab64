//! The thread of [`mdns_sd`] that speaks and listens: started on chosen interfaces, ended with a goodbye.

use std::time::Duration;

use mdns_sd::{
    DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceEvent, ServiceInfo,
};
use tokio::time;

use crate::{DiscoveryError, Interfaces};

/// How long ending may take before we leave it to itself.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// mdns-sd repeats a goodbye after 120 ms, for those who missed the first; we stay for that.
const GOODBYE_REPEAT: Duration = Duration::from_millis(150);

pub(crate) struct Responder(ServiceDaemon);

impl Responder {
    /// Starts listening. Nothing is sent before something is registered or browsed.
    pub(crate) fn open(interfaces: &Interfaces) -> Result<Self, DiscoveryError> {
        let daemon = ServiceDaemon::new().map_err(DiscoveryError::Start)?;
        let interfaces = interfaces.clone();
        let admitted = IfPredicate::new(move |i| interfaces.admits(&i.name, i.ip()));
        daemon
            .disable_interface(IfKind::All)
            .and_then(|()| daemon.enable_interface(IfKind::Predicate(admitted)))
            .map_err(DiscoveryError::Start)?;
        Ok(Self(daemon))
    }

    /// What the responder does and meets, from now on.
    pub(crate) fn monitor(&self) -> Result<Receiver<DaemonEvent>, DiscoveryError> {
        self.0.monitor().map_err(|_| DiscoveryError::Ended)
    }

    /// The services of a type, such as `_daap._tcp.local.`, from now on.
    pub(crate) fn browse(&self, domain: &str) -> Result<Receiver<ServiceEvent>, DiscoveryError> {
        self.0.browse(domain).map_err(|_| DiscoveryError::Ended)
    }

    /// Asks for the services of a type anew, as if nothing were known.
    pub(crate) fn browse_anew(
        &self,
        domain: &str,
    ) -> Result<Receiver<ServiceEvent>, DiscoveryError> {
        self.0.stop_browse(domain).map_err(|_| DiscoveryError::Ended)?;
        self.browse(domain)
    }

    /// Announces a service, or what changed about it if its full name is announced already.
    pub(crate) fn register(&self, service: ServiceInfo) -> Result<(), DiscoveryError> {
        self.0.register(service).map_err(|_| DiscoveryError::Ended)
    }

    /// Says goodbye, twice, for the service with this full name.
    pub(crate) async fn withdraw(&self, full_name: &str) {
        let Ok(withdrawn) = self.0.unregister(full_name) else { return };
        if time::timeout(CLOSE_LIMIT, withdrawn.recv_async()).await.is_ok() {
            time::sleep(GOODBYE_REPEAT).await;
        }
    }

    /// Falls silent for good: what was announced stays in the memory of others.
    pub(crate) fn hush(&self) {
        let _ = self.0.disable_interface(IfKind::All);
    }

    /// Ends the thread. What is still announced gets a goodbye first.
    pub(crate) async fn close(self) {
        let Ok(ended) = self.0.shutdown() else { return };
        if time::timeout(CLOSE_LIMIT, ended.recv_async()).await.is_err() {
            tracing::debug!("the mDNS responder did not end in time");
        }
    }
}

impl Drop for Responder {
    /// For one that was not closed: the goodbye still goes out, only nobody waits for it.
    fn drop(&mut self) {
        let _ = self.0.shutdown();
    }
}
