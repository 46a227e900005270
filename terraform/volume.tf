# Everything that must outlive the host: `terraform apply -replace=aws_instance.host` takes the host away, and the next one
# goes on with this volume. It is formatted once, by the bootstrap, and only if it is blank.
resource "aws_ebs_volume" "data" {
  availability_zone = local.availability_zone
  type              = "gp3"
  size              = var.data_volume_gib
  encrypted         = true

  tags = { Name = "${local.name}-data" }

  # Records of sandboxes, and files that are nowhere else yet. Whoever really wants them gone takes this out first.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_volume_attachment" "data" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.data.id
  instance_id = aws_instance.host.id

  # A running host would lose what its page cache holds.
  stop_instance_before_detaching = true
}
