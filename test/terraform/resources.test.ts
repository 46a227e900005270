import { beforeAll, describe, expect, test } from '@jest/globals';
import { KEEP_ALIVE_MS } from '../../src/facade/rest-part.ts';
import { ExecRequest } from '../../src/facade/routes/commands/exec.ts';
import { patternsAllowed, statementsOf } from './policy-statements.ts';
import { blockOf, blocksOf, readModule, type Block, type Module } from './read-module.ts';

let module: Module;
beforeAll(async () => {
  module = await readModule();
});

const resource = (type: string, name: string): Block['body'] => blockOf(module, 'resource', type, name);
const typesMade = (): readonly string[] =>
  module.blocks.filter(({ kind }) => kind === 'resource').map(({ type }) => type);

describe('the bucket', () => {
  test('keeps versions, is encrypted, closed to the public, and is never removed with the rest [A9.1]', () => {
    expect(resource('aws_s3_bucket', 'workspaces')).toMatchObject({
      force_destroy: false,
      lifecycle: [{ prevent_destroy: true }],
    });
    expect(resource('aws_s3_bucket_versioning', 'workspaces')).toMatchObject({
      versioning_configuration: [{ status: 'Enabled' }],
    });
    expect(resource('aws_s3_bucket_server_side_encryption_configuration', 'workspaces')).toMatchObject({
      rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: 'AES256' }] }],
    });
    expect(resource('aws_s3_bucket_public_access_block', 'workspaces')).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
  });

  test('every setting is of this bucket', () => {
    const settings = module.blocks.filter(({ kind, type }) => kind === 'resource' && type.startsWith('aws_s3_bucket_'));
    expect(settings).toHaveLength(6);
    for (const { body } of settings) expect(body.bucket).toBe('${aws_s3_bucket.workspaces.id}');
  });

  test('drops old versions and unfinished uploads, never a current object [A9.1]', () => {
    expect(resource('aws_s3_bucket_lifecycle_configuration', 'workspaces').rule).toEqual([
      {
        id: 'noncurrent-versions',
        status: 'Enabled',
        filter: [{ prefix: 'users/' }],
        noncurrent_version_expiration: [{ noncurrent_days: '${var.noncurrent_version_days}' }],
        expiration: [{ expired_object_delete_marker: true }],
      },
      {
        id: 'older-datastores',
        status: 'Enabled',
        filter: [{ prefix: '.matrx/host/' }],
        noncurrent_version_expiration: [{ noncurrent_days: 14 }],
      },
      {
        id: 'unfinished-uploads',
        status: 'Enabled',
        filter: [{}],
        abort_incomplete_multipart_upload: [{ days_after_initiation: 1 }],
      },
    ]);
  });

  test('refuses what does not come by TLS [A9.1]', () => {
    expect(statementsOf(module.blocks).filter(({ document }) => document === 'bucket')).toEqual([
      expect.objectContaining({
        effect: 'Deny',
        actions: ['s3:*'],
        resources: ['${aws_s3_bucket.workspaces.arn}', '${aws_s3_bucket.workspaces.arn}/*'],
        condition: [{ test: 'Bool', variable: 'aws:SecureTransport', values: ['false'] }],
      }),
    ]);
    expect(resource('aws_s3_bucket_policy', 'workspaces').policy).toBe('${data.aws_iam_policy_document.bucket.json}');
  });
});

describe('the host', () => {
  test('is Amazon Linux 2023 or the image that was given, on an encrypted gp3 disk [A9.1]', () => {
    expect(blockOf(module, 'data', 'aws_ssm_parameter', 'al2023').name).toMatch(/\/al2023-ami-kernel-default-/);
    expect(resource('aws_instance', 'host')).toMatchObject({
      ami: '${var.ec2_ami_id == null ? data.aws_ssm_parameter.al2023.insecure_value : var.ec2_ami_id}',
      root_block_device: [{ volume_type: 'gp3', encrypted: true, volume_size: '${var.root_volume_gib}' }],
    });
  });

  test('answers for its role only with a token, and not beyond the first hop: no sandbox sees it [A9.1] [T7]', () => {
    expect(resource('aws_instance', 'host').metadata_options).toEqual([
      { http_endpoint: 'enabled', http_tokens: 'required', http_put_response_hop_limit: 1 },
    ]);
  });

  test('lets nothing in but what the two lists name, and they are empty [A9.1]', () => {
    const rules = module.blocks.filter(({ type }) => type === 'aws_vpc_security_group_ingress_rule');
    const shown = rules.map(({ body }) => [
      body.security_group_id,
      body.for_each ?? body.referenced_security_group_id,
      body.ip_protocol,
      body.from_port,
      body.to_port,
    ]);
    const host = '${aws_security_group.host.id}';
    const loadBalancer = '${aws_security_group.load_balancer[0].id}';
    expect(shown).toEqual([
      [loadBalancer, '${toset(local.domain ? var.api_cidr_blocks : [])}', 'tcp', 443, 443],
      [host, loadBalancer, 'tcp', 8000, 8000],
      [host, '${toset(local.domain ? [] : var.api_cidr_blocks)}', 'tcp', 8000, 8000],
      [host, '${toset(var.ssh_cidr_blocks)}', 'tcp', 22, 22],
      // Of tests/workers.tftest.hcl, which sees what is in that list.
      ['${each.value.to}', '${local.node_rules}', '${each.value.protocol}', '${each.value.port}', '${each.value.port}'],
    ]);
    const byAddress = rules.filter(({ body }) => body.referenced_security_group_id === undefined);
    expect(byAddress.map(({ body }) => body.cidr_ipv4)).toEqual(['${each.value}', '${each.value}', '${each.value}']);
    for (const list of ['ssh_cidr_blocks', 'api_cidr_blocks']) {
      expect(blockOf(module, 'variable', '', list).default).toEqual([]);
    }
    for (const { body } of module.blocks.filter(({ type }) => type === 'aws_security_group')) {
      expect(body).not.toHaveProperty('ingress');
    }
    expect(typesMade()).not.toContain('aws_security_group_rule');
    expect(resource('aws_default_security_group', 'new')).not.toHaveProperty('ingress');
    expect(resource('aws_instance', 'host').vpc_security_group_ids).toEqual(['${aws_security_group.host.id}']);
  });

  test('is told what to do by its user data and a parameter, and a change of either neither stops nor replaces it [A9.3]', () => {
    expect(resource('aws_instance', 'host')).toMatchObject({
      user_data_base64: '${local.user_data}',
      lifecycle: [{ ignore_changes: ['${ami}', '${user_data_base64}'] }],
    });
    expect(resource('aws_ssm_parameter', 'host').type).toBe('String');
  });

  test('keeps what must outlive it on a volume of its own, which is never removed with the rest [A9.3]', () => {
    expect(resource('aws_ebs_volume', 'data')).toMatchObject({
      availability_zone: '${local.availability_zone}',
      encrypted: true,
      lifecycle: [{ prevent_destroy: true }],
    });
    expect(resource('aws_volume_attachment', 'data')).toMatchObject({
      instance_id: '${aws_instance.host.id}',
      stop_instance_before_detaching: true,
    });
    // With it, AWS's provider would take the volume's own tags away at every apply.
    expect(resource('aws_instance', 'host')).not.toHaveProperty('volume_tags');
  });

  test('reaches S3 inside AWS, and is reached by Systems Manager [A9.1]', () => {
    expect(resource('aws_vpc_endpoint', 's3')).toMatchObject({
      vpc_endpoint_type: 'Gateway',
      service_name: 'com.amazonaws.${var.aws_region}.s3',
    });
    expect(resource('aws_cloudwatch_log_group', 'sandbox').name).toMatch(/^\/matrx\/sandbox\//);
    expect(resource('aws_iam_role_policy_attachment', 'systems_manager').policy_arn).toMatch(
      /:policy\/AmazonSSMManagedInstanceCore$/,
    );
  });
});

describe('a worker', () => {
  test('is as closed as the host: metadata by token and one hop, an encrypted disk, and nothing in but from the nodes [A9.1] [T7]', () => {
    const host = resource('aws_instance', 'host');
    expect(resource('aws_instance', 'worker')).toMatchObject({
      metadata_options: host.metadata_options,
      root_block_device: [{ encrypted: true }],
      vpc_security_group_ids: ['${aws_security_group.worker[0].id}'],
      user_data_base64: '${local.worker_user_data[count.index]}',
    });
  });

  test('has a volume of its own, of which a snapshot stays, and which is not taken from under its page cache', () => {
    expect(resource('aws_ebs_volume', 'worker')).toMatchObject({ encrypted: true, final_snapshot: true });
    expect(resource('aws_volume_attachment', 'worker')).toMatchObject({ stop_instance_before_detaching: true });
  });

  test('is not there unless it is asked for', () => {
    expect(blockOf(module, 'variable', '', 'worker_count').default).toBe(0);
    const made = module.blocks.filter(({ kind, name }) => kind === 'resource' && name.startsWith('worker'));
    expect(made.map(({ body }) => body.count)).toEqual(
      made.map(() => expect.stringMatching(/^\$\{(local\.workers \? 1 : 0|var\.worker_count)\}$/)),
    );
    expect(made.length).toBeGreaterThan(8);
  });
});

describe('the name', () => {
  test('is served by TLS 1.2 or newer alone, with a certificate that ACM renews, and never in the clear [A9.1]', () => {
    const listeners = module.blocks.filter(({ type }) => type === 'aws_lb_listener');
    expect(listeners.map(({ body }) => [body.port, body.protocol, body.ssl_policy, body.certificate_arn])).toEqual([
      [443, 'HTTPS', 'ELBSecurityPolicy-TLS13-1-2-2021-06', '${aws_acm_certificate_validation.api[0].certificate_arn}'],
    ]);
    expect(resource('aws_acm_certificate', 'api')).toMatchObject({ validation_method: 'DNS' });
    expect(resource('aws_lb', 'api')).toMatchObject({ drop_invalid_header_fields: true });
  });

  test('waits for the longest command, and gives a connection up before the facade does', () => {
    const seconds = Number(resource('aws_lb', 'api').idle_timeout);
    expect(ExecRequest.safeParse({ command: 'true', timeout: seconds }).success).toBe(false);
    expect(ExecRequest.safeParse({ command: 'true', timeout: 600 }).success).toBe(true);
    expect(seconds).toBeGreaterThan(600);
    expect(seconds * 1000).toBeLessThan(KEEP_ALIVE_MS);
  });

  test('costs nothing where it is not asked for: whatever it needs is made with domain_name alone', () => {
    const kinds = /^aws_(lb|acm)|^aws_route53_record$/;
    const made = module.blocks.filter(({ kind, type }) => kind === 'resource' && kinds.test(type));
    // Workers have a name of the VPC's own.
    const asked = made.filter(({ name }) => name !== 'server');
    expect(asked.map(({ body }) => body.count)).toEqual(asked.map(() => '${local.domain ? 1 : 0}'));
    expect(asked.length).toBeGreaterThan(6);
    expect(blockOf(module, 'variable', '', 'domain_name').default).toBeNull();
  });
});

describe('rights', () => {
  test('are by name: all that is allowed by a pattern is this, and on * only what AWS knows no narrower resource for [A9.1]', () => {
    const objects =
      's3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts on ${aws_s3_bucket.workspaces.arn}';
    expect(patternsAllowed(module.blocks)).toEqual([
      'github: ecr:GetAuthorizationToken on *',
      'github: ssm:GetCommandInvocation on *',
      'host: s3:GetObject on ${aws_s3_bucket.workspaces.arn}/.matrx/releases/*',
      `node: ${objects}/users/*`,
      `node: ${objects}/.matrx/probe/*`,
      'node: ecr:GetAuthorizationToken on *',
      'node: logs:CreateLogStream, logs:DescribeLogStreams, logs:PutLogEvents on ${aws_cloudwatch_log_group.sandbox.arn}:*',
      `workspace: ${objects}/users/$\${aws:PrincipalTag/matrx-user}/*`,
    ]);
  });

  test('come from the policy documents and one policy of AWS, nowhere else', () => {
    const policies = module.blocks.filter(({ kind, type }) => kind === 'resource' && /^aws_iam_.*policy/.test(type));
    const systemsManager = 'arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore';
    expect(policies.map(({ type, name, body }) => [type, name, body.policy ?? body.policy_arn])).toEqual([
      ['aws_iam_role_policy', 'github', '${data.aws_iam_policy_document.github[0].json}'],
      ['aws_iam_role_policy', 'host', '${data.aws_iam_policy_document.host.json}'],
      ['aws_iam_role_policy', 'workspace', '${data.aws_iam_policy_document.workspace.json}'],
      ['aws_iam_role_policy_attachment', 'systems_manager', systemsManager],
      ['aws_iam_role_policy', 'worker', '${data.aws_iam_policy_document.worker[0].json}'],
      ['aws_iam_role_policy_attachment', 'worker_systems_manager', systemsManager],
    ]);
    for (const role of ['github', 'host', 'worker', 'workspace']) {
      expect(resource('aws_iam_role', role)).not.toHaveProperty('inline_policy');
      expect(resource('aws_iam_role', role)).not.toHaveProperty('managed_policy_arns');
    }
  });

  test('a deployment comes from one environment of one repository, pushes to two repositories, and commands one host by one document [A9.4]', () => {
    const trust = statementsOf(module.blocks).find(({ document }) => document === 'github_trust');
    expect(trust).toMatchObject({
      actions: ['sts:AssumeRoleWithWebIdentity'],
      condition: [
        { test: 'StringEquals', variable: '${local.github_host}:aud', values: ['sts.amazonaws.com'] },
        { test: 'StringEquals', variable: '${local.github_host}:sub', values: ['${local.github_subject}'] },
      ],
    });
    const rights = statementsOf(module.blocks).filter(({ document }) => document === 'github');
    expect(Object.fromEntries(rights.map(({ sid, resources }) => [sid, resources]))).toEqual({
      RegistryLogin: ['*'],
      RegistryPush: ['${local.own_repository_arns}'],
      RollOut: ['${local.shell_document}', '${local.host_of_commands}'],
      RollOutResult: ['*'],
    });
    expect(rights.flatMap(({ actions }) => actions).filter((action) => !action.startsWith('ecr:'))).toEqual([
      'ssm:SendCommand',
      'ssm:GetCommandInvocation',
    ]);
    expect(module.blocks.filter(({ type }) => type === 'aws_iam_openid_connect_provider')).toHaveLength(1);
  });

  test('the host keeps one copy of its datastore, and makes the tokens that it is read and joined with once [A9.3]', () => {
    expect(statementsOf(module.blocks).filter(({ sid }) => sid === 'Backup' || sid === 'Tokens')).toMatchObject([
      {
        actions: ['s3:GetObject', 's3:PutObject'],
        resources: ['${aws_s3_bucket.workspaces.arn}/${local.backup_key}'],
      },
      {
        actions: ['ssm:PutParameter'],
        resources: ['${local.token_parameter_arns}'],
        condition: [{ test: 'StringEquals', variable: 'ssm:Overwrite', values: ['false'] }],
      },
    ]);
  });

  test('a worker may what every node may, and of the parameters read its own settings and token alone [A9.1]', () => {
    for (const [name, more] of [
      ['host', ['Backup', 'BackupList', 'Releases', 'Tokens', 'OnlyOwnParameters']],
      ['worker', ['OnlyOwnParameters']],
    ] as const) {
      expect(blockOf(module, 'data', 'aws_iam_policy_document', name).source_policy_documents).toEqual([
        '${data.aws_iam_policy_document.node.json}',
      ]);
      const own = statementsOf(module.blocks).filter(({ document }) => document === name);
      expect(own.map(({ sid }) => sid)).toEqual(more);
    }
    const only = statementsOf(module.blocks).find(({ document }) => document === 'worker');
    expect(only).toMatchObject({ effect: 'Deny', actions: ['ssm:GetParameter', 'ssm:GetParameters'] });
    expect(only?.not_resources.join(' ')).toMatch(
      /for name in \["\/\$\{local\.name\}\/worker", local\.agent_token_parameter\]/,
    );
  });

  test('a pattern in a policy is found', async () => {
    const blocks = await blocksOf(
      'bad.tf',
      `data "aws_iam_policy_document" "bad" {
         statement {
           actions   = ["s3:*"]
           resources = ["*"]
         }
       }`,
    );
    expect(patternsAllowed(blocks)).toEqual(['bad: s3:* on *', 'bad: s3:*']);
  });

  test('pulling images is allowed from the repositories by ARN [A9.1]', () => {
    expect(statementsOf(module.blocks).find(({ sid }) => sid === 'RegistryPull')).toMatchObject({
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: ['${local.pullable_repository_arns}'],
    });
    expect(typesMade()).toContain('aws_ecr_repository');
  });

  test('the workspace role is one user’s at a time: assumed with that user’s tag alone, it reaches that prefix alone [A9.1] [T7]', () => {
    const trust = statementsOf(module.blocks).find(({ document }) => document === 'workspace_trust');
    expect(trust).toMatchObject({
      actions: ['sts:AssumeRole', 'sts:TagSession'],
      condition: [
        { test: 'Null', variable: 'aws:RequestTag/matrx-user', values: ['false'] },
        { test: 'StringLike', variable: 'aws:RequestTag/matrx-user', values: ['?*'] },
        { test: 'ForAllValues:StringEquals', variable: 'aws:TagKeys', values: ['matrx-user'] },
      ],
    });
    const [, list] = statementsOf(module.blocks).filter(({ document }) => document === 'workspace');
    expect(list).toMatchObject({
      actions: ['s3:ListBucket'],
      resources: ['${aws_s3_bucket.workspaces.arn}'],
      condition: [{ test: 'StringLike', variable: 's3:prefix', values: ['users/$${aws:PrincipalTag/matrx-user}/*'] }],
    });
  });
});
