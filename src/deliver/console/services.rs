//! The console's pages, by the names that people use for services: those of the AWS CLI, and the short ones.

/// A service's page.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its names.
    pub names: &'static [&'static str],
    /// Its path below the console's host, with a fragment where the page needs one.
    pub path: &'static str,
    /// Whether it is in no region.
    pub global: bool,
}

const fn regional(names: &'static [&'static str], path: &'static str) -> Service {
    Service {
        names,
        path,
        global: false,
    }
}

const fn global(names: &'static [&'static str], path: &'static str) -> Service {
    Service {
        names,
        path,
        global: true,
    }
}

/// Every service that has a name here.
#[rustfmt::skip]
pub const SERVICES: &[Service] = &[
    regional(&["acm", "certificates", "certificate-manager"], "acm/home"),
    regional(&["amplify"], "amplify/home"),
    regional(&["apigateway", "apigw", "api"], "apigateway/main/apis"),
    regional(&["appconfig"], "systems-manager/appconfig"),
    regional(&["apprunner"], "apprunner/home"),
    regional(&["appstream"], "appstream2/home"),
    regional(&["appsync"], "appsync/home"),
    regional(&["asg", "autoscaling"], "ec2/home#AutoScalingGroups:"),
    regional(&["athena"], "athena/home"),
    regional(&["backup"], "backup/home"),
    regional(&["batch"], "batch/home"),
    regional(&["bedrock"], "bedrock/home"),
    global(&["billing", "bill"], "billing/home"),
    global(&["budgets"], "billing/home#/budgets"),
    global(&["ce", "cost", "costs", "cost-explorer", "cost-management"], "cost-management/home"),
    regional(&["cfn", "cloudformation", "stacks"], "cloudformation/home"),
    global(&["cf", "cloudfront", "cdn"], "cloudfront/v4/home"),
    regional(&["cloud9", "c9"], "cloud9/home"),
    regional(&["cloudmap", "servicediscovery"], "cloudmap/home"),
    regional(&["cloudshell", "shell"], "cloudshell/home"),
    regional(&["ct", "cloudtrail"], "cloudtrailv2/home"),
    regional(&["cw", "cloudwatch"], "cloudwatch/home"),
    regional(&["alarms"], "cloudwatch/home#alarmsV2:"),
    regional(&["dashboards"], "cloudwatch/home#dashboards:"),
    regional(&["logs", "log-groups", "cwl"], "cloudwatch/home#logsV2:log-groups"),
    regional(&["insights", "logs-insights"], "cloudwatch/home#logsV2:logs-insights"),
    regional(&["metrics"], "cloudwatch/home#metricsV2:"),
    regional(&["xray", "x-ray", "traces"], "cloudwatch/home#xray:traces"),
    regional(&["codeartifact"], "codesuite/codeartifact/home"),
    regional(&["codebuild", "cb"], "codesuite/codebuild/home"),
    regional(&["codecommit"], "codesuite/codecommit/home"),
    regional(&["codedeploy"], "codesuite/codedeploy/home"),
    regional(&["codepipeline", "cp", "pipelines"], "codesuite/codepipeline/home"),
    regional(&["cognito"], "cognito/v2/home"),
    regional(&["config"], "config/home"),
    regional(&["connect"], "connect/v2/home"),
    regional(&["controltower", "control-tower"], "controltower/home"),
    regional(&["datasync"], "datasync/home"),
    regional(&["ddb", "dynamodb", "dynamo"], "dynamodbv2/home"),
    regional(&["detective"], "detective/home"),
    regional(&["dms"], "dms/v2/home"),
    regional(&["docdb", "documentdb"], "docdb/home"),
    regional(&["ds", "directory-service"], "directoryservicev2/home"),
    regional(&["dx", "directconnect"], "directconnect/v2/home"),
    regional(&["eb", "elasticbeanstalk", "beanstalk"], "elasticbeanstalk/home"),
    regional(&["ebs", "volumes"], "ec2/home#Volumes:"),
    regional(&["ec2", "instances"], "ec2/home#Instances:"),
    regional(&["ecr"], "ecr/home"),
    regional(&["ecs"], "ecs/v2"),
    regional(&["efs"], "efs/home"),
    regional(&["eks", "kubernetes"], "eks/home"),
    regional(&["elasticache", "cache", "redis"], "elasticache/home"),
    regional(&["elb", "alb", "nlb", "load-balancers"], "ec2/home#LoadBalancers:"),
    regional(&["emr"], "emr/home"),
    regional(&["es", "opensearch", "aos"], "aos/home"),
    regional(&["events", "eventbridge"], "events/home"),
    regional(&["firehose"], "firehose/home"),
    regional(&["fsx"], "fsx/home"),
    regional(&["gd", "guardduty"], "guardduty/home"),
    regional(&["glue"], "glue/home"),
    regional(&["grafana"], "grafana/home"),
    global(&["health", "phd"], "health/home"),
    global(&["iam"], "iam/home"),
    global(&["roles"], "iam/home#/roles"),
    global(&["users"], "iam/home#/users"),
    regional(&["imagebuilder", "image-builder"], "imagebuilder/home"),
    regional(&["inspector"], "inspector/v2/home"),
    regional(&["iot"], "iot/home"),
    regional(&["kafka", "msk"], "msk/home"),
    regional(&["keypairs"], "ec2/home#KeyPairs:"),
    regional(&["kinesis"], "kinesis/home"),
    regional(&["kms", "keys"], "kms/home"),
    regional(&["l", "lambda", "functions"], "lambda/home"),
    regional(&["lakeformation", "lake-formation"], "lakeformation/home"),
    regional(&["location"], "location/home"),
    regional(&["macie"], "macie/home"),
    regional(&["mq", "amazon-mq", "amazonmq"], "amazon-mq/home"),
    regional(&["mwaa", "airflow"], "mwaa/home"),
    regional(&["neptune"], "neptune/home"),
    global(&["organizations", "org", "orgs"], "organizations/v2/home"),
    regional(&["param", "params", "parameters", "parameter-store", "ps"], "systems-manager/parameters"),
    regional(&["quotas", "servicequotas", "service-quotas"], "servicequotas/home"),
    global(&["r53", "route53", "dns"], "route53/v2/home"),
    regional(&["ram"], "ram/home"),
    regional(&["rds"], "rds/home"),
    regional(&["redshift"], "redshiftv2/home"),
    regional(&["resource-groups", "rg", "tags", "tag-editor"], "resource-groups/home"),
    regional(&["s3", "buckets"], "s3/home"),
    regional(&["sagemaker"], "sagemaker/home"),
    regional(&["sc", "servicecatalog", "service-catalog"], "servicecatalog/home"),
    regional(&["schemas"], "events/home#/schemas"),
    regional(&["securityhub", "sh", "scrh"], "securityhub/home"),
    regional(&["ses", "email"], "ses/home"),
    regional(&["sfn", "states", "stepfn", "stepfunctions", "step-functions"], "states/home"),
    regional(&["sg", "security-groups"], "ec2/home#SecurityGroups:"),
    regional(&["sm", "secretsmanager", "secrets", "scrm"], "secretsmanager/listsecrets"),
    regional(&["sns"], "sns/v3/home"),
    regional(&["sqs", "queues"], "sqs/v3/home"),
    regional(&["ssm", "systems-manager"], "systems-manager/home"),
    regional(&["session-manager", "sessions"], "systems-manager/session-manager"),
    regional(&["sso", "identity-center", "identitycenter"], "singlesignon/home"),
    regional(&["storagegateway", "storage-gateway"], "storagegateway/home"),
    global(&["support"], "support/home"),
    global(&["ta", "tra", "trustedadvisor", "trusted-advisor"], "trustedadvisor/home"),
    regional(&["transfer", "sftp"], "transfer/home"),
    regional(&["vpc"], "vpcconsole/home"),
    regional(&["waf", "wafv2"], "wafv2/homev2"),
    regional(&["wellarchitected", "well-architected"], "wellarchitected/home"),
    regional(&["workspaces"], "workspaces/v2/home"),
];

/// The service of that name, whatever its case.
pub fn service(name: &str) -> Option<&'static Service> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    SERVICES.iter().find(|service| service.names.iter().any(is))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_is_of_one_service_and_a_path_is_one() {
        let mut seen = BTreeSet::new();
        for service in SERVICES {
            for name in service.names {
                assert!(seen.insert(name), "{name} is there twice");
                let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(name.chars().all(right), "{name}");
            }
            let path = service.path;
            assert!(
                !path.starts_with('/') && !path.contains(['?', ' ', '\\']),
                "{path}"
            );
        }
    }

    #[test]
    fn the_names_that_people_use_lead_to_their_services() {
        for (name, path, global) in [
            ("s3", "s3/home", false),
            ("EC2", "ec2/home#Instances:", false),
            ("iam", "iam/home", true),
            ("cfn", "cloudformation/home", false),
            ("cf", "cloudfront/v4/home", true),
            ("ddb", "dynamodbv2/home", false),
            ("sm", "secretsmanager/listsecrets", false),
            ("r53", "route53/v2/home", true),
            ("logs", "cloudwatch/home#logsV2:log-groups", false),
        ] {
            let found = service(name).unwrap();
            assert_eq!((found.path, found.global), (path, global), "{name}");
        }
        assert_eq!(service("nonsense"), None);
        assert_eq!(service(""), None);
    }
}
