"""What times: the service, a bulk, the detectors, the profile."""
